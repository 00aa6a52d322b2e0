package digest

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Of returns the Identity of an open file.
func Of(f *os.File) (Identity, error) {
	handle := windows.Handle(f.Fd())
	var file windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(handle, &file); err != nil {
		return Identity{}, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	// FILE_BASIC_INFO; its times count 100 ns since 1601.
	var times struct {
		creation, access, write, change int64
		attributes                      uint32
	}
	if err := windows.GetFileInformationByHandleEx(handle, windows.FileBasicInfo, (*byte)(unsafe.Pointer(&times)), uint32(unsafe.Sizeof(times))); err != nil {
		return Identity{}, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return Identity{
		Device:   uint64(file.VolumeSerialNumber),
		Inode:    uint64(file.FileIndexHigh)<<32 | uint64(file.FileIndexLow),
		Size:     int64(file.FileSizeHigh)<<32 | int64(file.FileSizeLow),
		Modified: since1970(times.write),
		Changed:  since1970(times.change),
	}, nil
}

func since1970(ticks int64) int64 {
	t := windows.Filetime{LowDateTime: uint32(ticks), HighDateTime: uint32(ticks >> 32)}
	return t.Nanoseconds()
}

package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unsafe"
)

// emulator executes the instructions of avx512_amd64.s, so that they are tested on processors
// without AVX-512 too. It panics if an instruction reads or writes beyond an argument.
type emulator struct {
	programs map[string]*program
	symbols  map[string][]byte // the constants
	segments [][]byte          // an address has the number of a segment in its upper bits
	general  map[string]uint64
	vectors  [32][16]uint32
	masks    [8]uint16
	flags    int64 // the result of the last comparison or calculation
}

// program is a function.
type program struct {
	instructions []instruction
	labels       map[string]int
}

type instruction struct {
	text     string
	name     string
	operands []operand
}

// operand is an immediate number, a register, memory, or a label.
type operand struct {
	kind        byte // '$', 'G' for a general register, 'X', 'Y', 'Z', 'K', 'M' for memory, 'L' for a label
	text        string
	number      int64 // of an immediate, or a register; the displacement of memory
	base, index string
	scale       uint64
}

const segmentBits = 40

// parseAssembly reads a file that the generator has written.
func parseAssembly(path string) (*emulator, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e := &emulator{programs: map[string]*program{}, symbols: map[string][]byte{}}
	var p *program
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case line == "" || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "#") || name == "GLOBL":
		case name == "TEXT":
			p = &program{labels: map[string]int{}}
			e.programs[rest[len("·"):strings.Index(rest, "(SB)")]] = p
		case name == "DATA":
			var symbol string
			var at, value int
			rest = strings.NewReplacer("<>+", " ", "(SB)/4, $", " ").Replace(rest)
			if _, err := fmt.Sscan(rest, &symbol, &at, &value); err != nil {
				return nil, fmt.Errorf("%s: %w", line, err)
			}
			if at != len(e.symbols[symbol]) {
				return nil, fmt.Errorf("%s: the constants have a gap", line)
			}
			e.symbols[symbol] = binary.LittleEndian.AppendUint32(e.symbols[symbol], uint32(value))
		case strings.HasSuffix(line, ":"):
			p.labels[line[:len(line)-1]] = len(p.instructions)
		default:
			i := instruction{text: line, name: name}
			if rest != "" {
				for _, o := range strings.Split(rest, ", ") {
					i.operands = append(i.operands, parseOperand(o))
				}
			}
			p.instructions = append(p.instructions, i)
		}
	}
	return e, nil
}

var (
	memory   = regexp.MustCompile(`^(-?\d*)\((\w+)\)(?:\((\w+)\*(\d)\))?$`)
	symbol   = regexp.MustCompile(`^(\w+)(?:<>)?\+(\d+)\((SB|FP)\)$`)
	register = regexp.MustCompile(`^([XYZK])(\d+)$`)
)

func parseOperand(text string) operand {
	integer := func(s string) int64 {
		n, err := strconv.ParseInt(strings.TrimPrefix(s, "+"), 0, 64)
		if err != nil && s != "" {
			panic(err)
		}
		return n
	}
	if s, ok := strings.CutPrefix(text, "$"); ok {
		return operand{kind: '$', number: integer(s)}
	}
	if m := memory.FindStringSubmatch(text); m != nil {
		return operand{kind: 'M', number: integer(m[1]), base: m[2], index: m[3], scale: uint64(integer(m[4]))}
	}
	if m := symbol.FindStringSubmatch(text); m != nil {
		if m[3] == "FP" {
			m[1] = "FP"
		}
		return operand{kind: 'M', number: integer(m[2]), base: m[1]}
	}
	if m := register.FindStringSubmatch(text); m != nil {
		return operand{kind: m[1][0], number: integer(m[2])}
	}
	if strings.ToUpper(text) == text {
		return operand{kind: 'G', text: text}
	}
	return operand{kind: 'L', text: text}
}

// segment makes memory accessible and returns its address.
func (e *emulator) segment(data []byte) uint64 {
	e.segments = append(e.segments, data)
	return uint64(len(e.segments)) << segmentBits
}

// bytes returns n bytes at the address of an operand.
func (e *emulator) bytes(o operand, n int) []byte {
	address := e.general[o.base] + uint64(o.number)
	if o.index != "" {
		address += e.general[o.index] * o.scale
	}
	data, at := e.segments[address>>segmentBits-1], int(address&(1<<segmentBits-1))
	return data[at : at+n : at+n]
}

func bytesOf[T any](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

// call executes a function and returns its results, which are of type float32.
func (e *emulator) call(name string, arguments ...any) (results [2]float32) {
	frame := make([]byte, 256)
	e.segments, e.general = nil, map[string]uint64{}
	e.general["FP"], e.general["SP"] = e.segment(frame), e.segment(make([]byte, 16))
	for name, data := range e.symbols {
		e.general[name] = e.segment(data)
	}
	at := 0
	for _, argument := range arguments {
		var n uint64
		switch x := argument.(type) {
		case float32:
			binary.LittleEndian.PutUint32(frame[at:], math.Float32bits(x))
			at += 4
			continue
		case int:
			n = uint64(x)
		case bool:
			n = uint64(map[bool]int{true: 1}[x])
		case []float32:
			n = e.segment(bytesOf(x))
		case []int32:
			n = e.segment(bytesOf(x))
		case []uint8:
			n = e.segment(x)
		case []int8:
			n = e.segment(bytesOf(x))
		default:
			panic(fmt.Sprintf("%T", argument))
		}
		at = (at + 7) / 8 * 8
		binary.LittleEndian.PutUint64(frame[at:], n)
		at += 8
	}
	e.run(name)
	at = (at + 7) / 8 * 8
	for i := range results {
		results[i] = math.Float32frombits(binary.LittleEndian.Uint32(frame[at+4*i:]))
	}
	return results
}

func (e *emulator) run(name string) {
	p := e.programs[name]
	for next := 0; ; {
		i := &p.instructions[next]
		next++
		if i.name == "RET" {
			return
		}
		if label, taken := e.branch(i); label != "" {
			if taken {
				next = p.labels[label]
			}
			continue
		}
		func() {
			defer func() {
				if r := recover(); r != nil {
					panic(fmt.Sprintf("%s, %s: %v", name, i.text, r))
				}
			}()
			if !e.integer(i) && !e.vector(i) {
				panic("the emulator does not have this instruction")
			}
		}()
	}
}

func (e *emulator) branch(i *instruction) (label string, taken bool) {
	if len(i.operands) != 1 || i.operands[0].kind != 'L' {
		return "", false
	}
	taken, ok := map[string]bool{"JMP": true, "JNZ": e.flags != 0, "JNE": e.flags != 0, "JZ": e.flags == 0, "JE": e.flags == 0,
		"JG": e.flags > 0, "JL": e.flags < 0, "JGE": e.flags >= 0}[i.name]
	if !ok {
		panic(i.text)
	}
	return i.operands[0].text, taken
}

// integer executes an instruction of general registers.
func (e *emulator) integer(i *instruction) bool {
	get := func(o operand) uint64 {
		switch o.kind {
		case '$':
			return uint64(o.number)
		case 'G':
			return e.general[o.text]
		}
		return binary.LittleEndian.Uint64(e.bytes(o, 8))
	}
	set := func(n uint64) {
		if o := i.operands[len(i.operands)-1]; o.kind == 'G' {
			e.general[o.text] = n
		} else {
			binary.LittleEndian.PutUint64(e.bytes(o, 8), n)
		}
	}
	result := func(n uint64) {
		e.flags = int64(n)
		set(n)
	}
	o := i.operands
	switch i.name {
	case "PREFETCHT0", "PREFETCHT1", "VZEROUPPER":
	case "MOVQ", "MOVL":
		set(get(o[0]))
	case "LEAQ":
		set(e.general[o[0].base] + uint64(o[0].number) + e.general[o[0].index]*o[0].scale)
	case "ADDQ":
		result(get(o[1]) + get(o[0]))
	case "SUBQ":
		result(get(o[1]) - get(o[0]))
	case "SHLQ":
		result(get(o[1]) << get(o[0]))
	case "SHRQ":
		result(get(o[1]) >> get(o[0]))
	case "DECQ":
		result(get(o[0]) - 1)
	case "IMUL3Q":
		set(get(o[0]) * get(o[1]))
	case "CMPQ":
		e.flags = int64(get(o[0]) - get(o[1]))
	case "TESTQ":
		e.flags = int64(get(o[0]) & get(o[1]))
	case "CMOVQLT":
		if e.flags < 0 {
			set(get(o[0]))
		}
	default:
		return false
	}
	return true
}

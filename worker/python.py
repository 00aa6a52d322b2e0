# Runs pyspark's daemon of Python workers for firesteel, which forwards tasks to
# it. A worker writes its output in pieces, each preceded by its length. A piece
# of length 0 marks the end of a task.
import io
import struct
import sys
import types


class Pieces(io.RawIOBase):
    def __init__(self, to):
        self.to = to

    def writable(self):
        return True

    def write(self, b):
        n = len(b)
        if n > 0:
            self.to.write(struct.pack("!i", n))
            self.to.write(b)
            self.to.flush()
        return n


def main(infile, outfile):
    # Import after the daemon has forked, because the import may start threads.
    from pyspark.worker import main as work

    pieces = io.BufferedWriter(Pieces(outfile), 65536)
    try:
        work(infile, pieces)
    finally:
        pieces.flush()
        outfile.write(struct.pack("!i", 0))
        outfile.flush()


# The daemon accepts any module whose name begins with "pyspark".
module = types.ModuleType("pyspark.firesteel")
module.main = main
sys.modules[module.__name__] = module
sys.argv[1:] = [module.__name__]

from pyspark.daemon import manager

manager()

# Runs Spark's own daemon of Python workers for firesteel, which passes tasks on
# to it. What a worker writes comes in pieces, each after its length, so that
# the end of a task can be told from its data: it is a piece of length 0.
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
    # Not before the daemon has forked: what this imports may start threads.
    from pyspark.worker import main as work

    pieces = io.BufferedWriter(Pieces(outfile), 65536)
    try:
        work(infile, pieces)
    finally:
        pieces.flush()
        outfile.write(struct.pack("!i", 0))
        outfile.flush()


# The daemon takes any module whose name begins so.
module = types.ModuleType("pyspark.firesteel")
module.main = main
sys.modules[module.__name__] = module
sys.argv[1:] = [module.__name__]

from pyspark.daemon import manager

manager()

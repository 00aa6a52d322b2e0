"""Generates mixed lines of text from a seed. mixed_test.go generates the same lines in Go."""

# Ranges of code points and their weights.
RANGES = [
    (0x61, 0x7A, 12), (0x41, 0x5A, 4), (0x30, 0x39, 4), (0x21, 0x2F, 3), (0x3A, 0x40, 2), (0x5B, 0x60, 1), (0x7B, 0x7E, 1),
    (0x00, 0x1F, 1), (0x7F, 0x9F, 1), (0xA0, 0xFF, 4), (0x100, 0x24F, 2), (0x250, 0x2FF, 1), (0x300, 0x36F, 3),
    (0x370, 0x3FF, 2), (0x400, 0x52F, 2), (0x530, 0x5FF, 2), (0x600, 0x6FF, 2), (0x700, 0x8FF, 1), (0x900, 0xDFF, 2),
    (0xE00, 0xFFF, 2), (0x1000, 0x10FF, 1), (0x1100, 0x11FF, 1), (0x1200, 0x1DFF, 2), (0x1E00, 0x1FFF, 2),
    (0x2000, 0x206F, 3), (0x2070, 0x218F, 2), (0x2190, 0x23FF, 1), (0x2460, 0x24FF, 1), (0x2500, 0x27BF, 1),
    (0x2E80, 0x303F, 1), (0x3040, 0x30FF, 3), (0x3130, 0x318F, 1), (0x3200, 0x33FF, 1), (0x3400, 0x9FFF, 3),
    (0xA000, 0xABFF, 1), (0xAC00, 0xD7A3, 2), (0xF900, 0xFAFF, 1), (0xFB00, 0xFDFF, 2), (0xFE00, 0xFE6F, 1),
    (0xFF00, 0xFFEF, 2), (0xE000, 0xE0FF, 1), (0xFFF0, 0xFFFD, 1), (0x10000, 0x10FFF, 1), (0x11000, 0x11FFF, 1),
    (0x1D400, 0x1D7FF, 1), (0x1F100, 0x1F2FF, 1), (0x1F300, 0x1FAFF, 3), (0x20000, 0x2FA1F, 1), (0xE0000, 0xE01EF, 1),
]
BAG = [r for r in RANGES for _ in range(r[2])]
WORDS = ("the The of and it's don't I'M you'll WE'VE sentiment positive negative classify translate summary text 2024 3.14 1,000 "
         "a b c to in that is was for on with he's as at by this had not are but from have an they which one were all her she there "
         "internationalisation Donaudampfschifffahrt naïve café e\u0301tude über ñandú <b> </b> http://example.org/?q=1&r=2 user@example.com "
         "x==y; foo(bar) {\"k\":[1,2]} 'ſ 'S '' \u2581 \u2581\u2581a ... --- ### \U0001F600 \U0001F468\u200D\U0001F469\u200D\U0001F467 "
         "\U0001F1E9\U0001F1EA \ufb01n ㍿ ﷺ ½ ²³ Ⅷ １２３ ｶﾞ 한국어 中文 日本語テキスト русский <user> WORD xWORD </s> <pad> <|end|> <0x41> עברית العربية हिन्दी ภาษาไทย").split(" ")
GAPS = [" ", " ", " ", " ", "", "", "  ", "   ", "\t", "\r\n", "\n\n", "\u00a0", "\u3000", " \n "]


class Mixed:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n

    def chunk(self):
        if self.below(3) > 0:
            return WORDS[self.below(len(WORDS))]
        lo, hi, _ = BAG[self.below(len(BAG))]
        return "".join(chr(lo + self.below(hi - lo + 1)) for _ in range(1 + self.below(6)))

    def line(self):
        out = []
        if self.below(8) == 0:
            out.append(GAPS[self.below(len(GAPS))])
        for _ in range(1 + self.below(24)):
            out.append(self.chunk())
            out.append(GAPS[self.below(len(GAPS))])
        if self.below(8) > 0:
            out.pop()
        return "".join(out)

    def long(self, size, gaps):
        """Returns a text of at least size bytes. If gaps is false it has no white space from GAPS."""
        out, n = [], 0
        while n < size:
            out.append(self.chunk() + (GAPS[self.below(len(GAPS))] if gaps else ""))
            n += len(out[-1].encode())
        return "".join(out)

package pii

import (
	"crypto/sha256"
	"math/big"
	"strings"
)

// readCrypto reads the address of a wallet: Base58Check (Bitcoin, Litecoin,
// Dogecoin, Dash, Tron), Bech32 (BIP 173), Bech32m (BIP 350), or 0x and 40
// hexadecimal digits (Ethereum; the mixed-case checksum of EIP-55 is not
// checked).
func readCrypto(t *cells, i int) (int, float64) {
	const longest = 90
	j := i
	for j-i <= longest && isAlnum(t.class(j)) {
		j++
	}
	if j-i < 26 || j-i > longest {
		return 0, 0
	}
	word := string(t.c[i:j])
	if isBase58Check(word) || isBech32(word) || isEthereum(word) {
		return j, 0.98
	}
	return 0, 0
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58Versions are the version bytes that addresses start with: Bitcoin 0 and
// 5, Litecoin 0x30 and 0x32, Dogecoin 0x1e and 0x16, Dash 0x4c and 0x10, Tron
// 0x41.
const base58Versions = "\x00\x05\x30\x32\x1e\x16\x4c\x10\x41"

// isBase58Check reports whether word decodes to a version byte, 20 bytes, and a
// checksum: the first four bytes of the double SHA-256 of the bytes before it.
func isBase58Check(word string) bool {
	if len(word) > 35 {
		return false
	}
	n, radix := new(big.Int), big.NewInt(58)
	for i := range len(word) {
		v := strings.IndexByte(base58, word[i])
		if v < 0 {
			return false
		}
		n.Add(n.Mul(n, radix), big.NewInt(int64(v)))
	}
	if n.BitLen() > 25*8 {
		return false
	}
	b := n.FillBytes(make([]byte, 25))
	if strings.IndexByte(base58Versions, b[0]) < 0 {
		return false
	}
	first := sha256.Sum256(b[:21])
	second := sha256.Sum256(first[:])
	return string(second[:4]) == string(b[21:])
}

const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// isBech32 reports whether word is a Bech32 or Bech32m address of Bitcoin or
// Litecoin.
func isBech32(word string) bool {
	low := strings.ToLower(word)
	if word != low && word != strings.ToUpper(word) {
		return false
	}
	prefix, data, ok := strings.Cut(low, "1")
	if !ok || prefix != "bc" && prefix != "tb" && prefix != "ltc" {
		return false
	}
	sum := uint32(1)
	add := func(v byte) {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, generator := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= generator
			}
		}
	}
	for i := range len(prefix) {
		add(prefix[i] >> 5)
	}
	add(0)
	for i := range len(prefix) {
		add(prefix[i] & 31)
	}
	for i := range len(data) {
		v := strings.IndexByte(bech32, data[i])
		if v < 0 {
			return false
		}
		add(byte(v))
	}
	return sum == 1 || sum == 0x2bc830a3
}

func isEthereum(word string) bool {
	if len(word) != 42 || word[0] != '0' || word[1] != 'x' {
		return false
	}
	for i := 2; i < len(word); i++ {
		if !isHex(word[i]) {
			return false
		}
	}
	return true
}

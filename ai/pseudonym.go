package ai

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/firesteel/firesteel/ai/internal/pii"
	"github.com/firesteel/firesteel/internal/secret"
)

// Where the key of pseudonyms is. It is read where the function runs: in this process, or on each
// executor of Spark.
const (
	// PseudonymVariable is the environment variable that holds the key.
	PseudonymVariable = "FIRESTEEL_PSEUDONYM_SECRET"
	// PseudonymFileVariable is the environment variable that names the file with the key.
	PseudonymFileVariable = "FIRESTEEL_PSEUDONYM_SECRET_FILE"
)

const (
	minKeyBytes    = 32
	maxKeyBytes    = 4 << 10
	minKeyDistinct = 8 // different bytes; a random key in hexadecimal has about 14
)

// KeyError reports that pseudonyms cannot be made because there is no usable key. It does not contain
// the key.
type KeyError struct{ Reason string }

func (e *KeyError) Error() string {
	return "pseudonyms need a key: " + e.Reason + "\n  Make one with openssl rand -hex 32, and put it into " + PseudonymVariable + ", or name its file in " + PseudonymFileVariable +
		", where the function runs: for a query of Spark on every executor, with the same key."
}

// pseudonymKey makes pseudonyms. Printed, it does not show the key.
type pseudonymKey struct{ key []byte }

func (pseudonymKey) String() string { return "(key of pseudonyms)" }

// GoString, like String, keeps the key.
func (k pseudonymKey) GoString() string { return k.String() }

// readPseudonymKey reads the key. Its error is a *KeyError.
func readPseudonymKey() (pseudonymKey, error) {
	text, path := os.Getenv(PseudonymVariable), os.Getenv(PseudonymFileVariable)
	origin := PseudonymVariable
	switch {
	case text != "" && path != "":
		return pseudonymKey{}, &KeyError{"both " + PseudonymVariable + " and " + PseudonymFileVariable + " are set"}
	case path != "":
		origin = "the file of " + PseudonymFileVariable
		b, err := readLimited(path, maxKeyBytes+1)
		if err != nil {
			return pseudonymKey{}, &KeyError{err.Error()}
		}
		text = string(b)
	}
	text = strings.TrimSpace(text)
	secret.Add(text)
	distinct := map[byte]bool{}
	for i := range len(text) {
		distinct[text[i]] = true
	}
	switch {
	case text == "" && path == "":
		return pseudonymKey{}, &KeyError{"none is set"}
	case len(text) < minKeyBytes:
		return pseudonymKey{}, &KeyError{fmt.Sprintf("%s has %d bytes, but at least %d are needed, so that nobody can guess it", origin, len(text), minKeyBytes)}
	case len(text) > maxKeyBytes:
		return pseudonymKey{}, &KeyError{fmt.Sprintf("%s has more than %d bytes", origin, maxKeyBytes)}
	case len(distinct) < minKeyDistinct:
		return pseudonymKey{}, &KeyError{fmt.Sprintf("%s repeats %d different bytes, which can be guessed", origin, len(distinct))}
	}
	return pseudonymKey{[]byte(text)}, nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func (k pseudonymKey) sum(purpose, text string) []byte {
	h := hmac.New(sha256.New, k.key)
	io.WriteString(h, purpose+"\x00"+text) // a hash returns no error
	return h.Sum(nil)
}

// identity identifies the key in an Identity.
func (k pseudonymKey) identity() string {
	return hex.EncodeToString(k.sum("firesteel key of pseudonyms", ""))
}

// pseudonym returns the name that stands for a value of a category: 80 bits of the HMAC-SHA256 of both
// in letters and digits. Two of n values have the same one with a probability of n²/2^81.
func (k pseudonymKey) pseudonym(category, value string) string {
	sum := k.sum("firesteel pseudonym 1", category+"\x00"+normalized(category, value))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// numberKinds are the kinds of values that are equal if their letters and digits are.
var numberKinds = map[pii.Kind]bool{
	pii.Phone: true, pii.CreditCard: true, pii.IBAN: true, pii.SSN: true, pii.MACAddress: true, pii.PostalCode: true, pii.BankAccount: true,
	pii.RoutingNumber: true, pii.Passport: true, pii.DriverLicence: true, pii.NationalID: true,
}

// normalized returns what all ways to write a value have in common: Unicode's compatibility form (NFKC)
// in lower case with single spaces; of numbers, the letters and digits.
func normalized(category, value string) string {
	value = strings.ToLower(norm.NFKC.String(value))
	if kind, ok := pii.KindOf(category); ok && numberKinds[kind] {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, value)
	}
	return strings.Join(strings.Fields(value), " ")
}

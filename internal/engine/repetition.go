package engine

// A generated text repeats itself if it ends with the same tokens, at most maxPeriod of them, at
// least minRepeats times and in at least minRepeatedTokens tokens.
const (
	maxPeriod         = 48
	minRepeats        = 4
	minRepeatedTokens = 32
)

// repeats reports whether the tokens end with a repetition.
func repeats(tokens []int32) bool {
	n := len(tokens)
	for period := 1; period <= maxPeriod && period*minRepeats <= n; period++ {
		need := max(minRepeatedTokens, period*minRepeats)
		if need > n {
			continue
		}
		i := n - 1
		for i >= n-need+period && tokens[i] == tokens[i-period] {
			i--
		}
		if i < n-need+period {
			return true
		}
	}
	return false
}

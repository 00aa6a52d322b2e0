package ai

// LabelNames returns the names of the labels in the value of an argument of type
// Labels, in their order. It returns nil if the value cannot be read.
func LabelNames(v any) []string {
	labels, _, err := readLabels("labels", v)
	if err != nil {
		return nil
	}
	return trimmed(labels)
}

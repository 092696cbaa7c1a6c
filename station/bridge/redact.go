package bridge

import "provstation/station/answer"

const (
	maxDetail = answer.MaxText
	hidden    = answer.Hidden
)

// clean makes a server's text fit for people, terminals and records.
func clean(s string) string { return answer.Clean(s) }

package console

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// Bounds of what a box may answer.
const (
	maxAnswerLines = 8192
	maxAnswerBytes = 512 << 10 // base64 included
	maxFrameLine   = 1024      // no line of an answer is longer
)

// frameKind is what a line of the console is to a request.
type frameKind uint8

const (
	frameNone    frameKind = iota // not ours: the kernel's, an echo, noise
	frameData                     // a line of the output
	frameEnd                      // the last line: count, status, digest
	frameUnheard                  // the request did not read
	frameWord                     // what the shell says while it is being set up
)

// frame is one line in the form of an answer.
type frame struct {
	kind   frameKind
	seq    uint64
	index  int      // frameData: from 1
	data   string   // frameData: base64
	count  int      // frameEnd: lines of the output
	status int      // frameEnd: the command's exit status
	digest string   // frameEnd: 16 hex digits
	words  []string // frameWord
}

// parseFrame reads a line without its line end. Anything that is not exactly in form is frameNone: a kernel message that cut
// into a line makes two lines of it, of which neither is.
func parseFrame(token, line string) frame {
	if len(line) > maxFrameLine || token == "" {
		return frame{}
	}
	body, ok := strings.CutPrefix(line, token+" ")
	if !ok {
		return frame{}
	}
	if body, ok = strings.CutSuffix(body, " "+token); !ok {
		return frame{}
	}
	w := strings.Split(body, " ")
	if body == "!" || body == "." {
		return frame{kind: frameUnheard}
	}
	seq, err := strconv.ParseUint(w[0], 10, 32)
	if err != nil {
		return frame{kind: frameWord, words: w}
	}
	switch {
	case len(w) == 5 && w[1] == ".":
		count, err1 := strconv.Atoi(w[2])
		status, err2 := strconv.Atoi(w[3])
		if err1 != nil || err2 != nil || count < 0 || count > maxAnswerLines || status < 0 || status > 255 || !isHex(w[4], 16) {
			return frame{}
		}
		return frame{kind: frameEnd, seq: seq, count: count, status: status, digest: w[4]}
	case len(w) == 3:
		index, err := strconv.Atoi(w[1])
		if err != nil || index < 1 || index > maxAnswerLines || !isBase64(w[2]) {
			return frame{}
		}
		return frame{kind: frameData, seq: seq, index: index, data: w[2]}
	}
	return frame{}
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

func isBase64(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == ""
}

// answer is what a command printed and how it ended.
type answer struct {
	text   string // without the line end of the last line
	status int
}

// collector puts the lines of one answer together, from as many times as it is sent.
type collector struct {
	seq   uint64
	lines map[int]string
	bytes int
	end   *frame
}

var (
	errTooMuch = errors.New("the box answers with more than is taken")
	errPartial = errors.New("the answer is not whole")
)

func newCollector(seq uint64) *collector { return &collector{seq: seq, lines: map[int]string{}} }

// add takes a frame of this answer; others are left alone.
func (c *collector) add(f frame) error {
	if f.seq != c.seq {
		return nil
	}
	switch f.kind {
	case frameData:
		if _, have := c.lines[f.index]; !have {
			if c.bytes += len(f.data); c.bytes > maxAnswerBytes {
				return errTooMuch
			}
			c.lines[f.index] = f.data
		}
	case frameEnd:
		c.end = &f
	}
	return nil
}

// whole gives the answer when its last line is there. Errors: errPartial; what came is dropped where it contradicts the digest.
func (c *collector) whole() (answer, error) {
	if c.end == nil {
		return answer{}, errPartial
	}
	var b strings.Builder
	for i := 1; i <= c.end.count; i++ {
		line, ok := c.lines[i]
		if !ok {
			c.end = nil
			return answer{}, errPartial
		}
		b.WriteString(line)
	}
	raw, err := base64.StdEncoding.DecodeString(b.String())
	sum := sha256.Sum256(raw)
	if err != nil || hex.EncodeToString(sum[:8]) != c.end.digest {
		*c = *newCollector(c.seq)
		return answer{}, errPartial
	}
	return answer{text: strings.TrimSuffix(string(raw), "\n"), status: c.end.status}, nil
}

// check is what a request carries of itself, so that a line which noise has changed is not carried out.
func check(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

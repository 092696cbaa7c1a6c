package console

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// What runs on the box, as it is read by people and tested by shells.
var (
	//go:embed box/core.sh
	coreScript string
	//go:embed box/look.sh
	lookScript string
	//go:embed box/work.sh
	workScript string
	//go:embed box/sign.sh
	signScript string
	//go:embed box/check.sh
	checkScript string
)

// dense is a script without comments, blank lines and indentation: it has to cross the line.
func dense(script string) string {
	var b strings.Builder
	for l := range strings.Lines(script) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

// tool is a way to do something that every box has in some form.
type tool struct{ need, do string }

// Ways to hash (hex digits first), to write and to read base64, the best first. What a box has is found out by tools().
var (
	hashes  = []tool{{"sha256sum", "sha256sum"}, {"busybox:sha256sum", "busybox sha256sum"}, {"openssl", "openssl dgst -sha256 -r"}}
	encodes = []tool{{"base64", "base64"}, {"busybox:base64", "busybox base64"}, {"openssl", "openssl base64"}, {"uuencode", "uuencode -m x | sed '1d;$d'"}}
	decodes = []tool{{"base64", "base64 -d"}, {"busybox:base64", "busybox base64 -d"}, {"openssl", "openssl base64 -d -A"}, {"uudecode", uudecode}}
)

// uudecode reads base64 with the frame that uudecode wants around it.
const uudecode = `{ echo 'begin-base64 600 x'; fold -w 60; echo; echo '===='; } | uudecode -o /dev/stdout`

func pick(ways []tool, have map[string]bool) (string, bool) {
	for _, w := range ways {
		if have[w.need] {
			return w.do, true
		}
	}
	return "", false
}

// needed are the programs without which nothing goes; wanted, those that are good to have.
var (
	needed = []string{"openssl", "mkdir", "mv", "rm", "cp", "ln", "cat", "chmod", "sync", "date", "head", "tail", "tr", "sed", "id", "df"}
	wanted = []string{"stty", "readlink", "wg", "mosquitto_pub", "base64", "sha256sum", "busybox", "uuencode", "uudecode", "grep", "timeout"}
)

// core is the shell for a box with these tools, with the names of those that are missing.
func core(have map[string]bool, idle time.Duration) (script string, missing []string) {
	hash, ok1 := pick(hashes, have)
	enc, ok2 := pick(encodes, have)
	dec, ok3 := pick(decodes, have)
	if !ok1 {
		missing = append(missing, "sha256sum")
	}
	if !ok2 || !ok3 {
		missing = append(missing, "base64")
	}
	for _, n := range needed {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	seconds := max(int(idle/time.Second), 1)
	return strings.NewReplacer(
		"@HASH@", hash, "@ENCODE@", enc, "@DECODE@", dec, "@IDLE@", fmt.Sprint(seconds), "@TICKS@", fmt.Sprint(6*seconds/5+1),
	).Replace(dense(coreScript)), missing
}

// quote makes any text without NUL one word of a shell.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,+@%-]+$`)

// command is a function of the box's shell with its arguments.
func command(name string, args ...string) string {
	var b strings.Builder
	b.WriteString(name)
	for _, a := range args {
		b.WriteByte(' ')
		b.WriteString(quote(a))
	}
	return b.String()
}

func b64(p []byte) string { return base64.StdEncoding.EncodeToString(p) }

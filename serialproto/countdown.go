package serialproto

import (
	"regexp"
	"strings"
)

// CountdownText is what boot loaders say while they wait for a key: U-Boot, barebox, RedBoot, CFE.
var CountdownText = regexp.MustCompile(`(?i)any key to stop autoboot|to (stop|abort|interrupt) (auto ?)?boot|autoboot in \d+|hit any key|stop autoboot`)

// CountsDown reports whether the newest line of a console's text, escaped or not, is that of a boot loader that waits for a key: a
// byte now stops the boot for good. The text of a boot that went on has more lines.
func CountsDown(text string) bool {
	last := strings.TrimRight(text, "\r\n ")
	if i := strings.LastIndexByte(last, '\n'); i >= 0 {
		last = last[i+1:]
	}
	return CountdownText.MatchString(last)
}

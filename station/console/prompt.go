package console

import (
	"bytes"
	"regexp"
	"strings"
)

// seen is what stands at the end of a console's text.
type seen uint8

const (
	seenNothing  seen = iota
	seenLogin         // a login prompt
	seenPassword      // a prompt for a password
	seenShell         // a shell's prompt
	seenOurs          // the shell that a station started, which is dead or is this one
	seenActivate      // "Please press Enter to activate this console."
	seenBoot          // a boot loader's prompt
	seenRescue        // a shell of the initramfs, or a maintenance prompt
	seenChange        // a new password is asked for
	seenOther         // something that is none of these answers
)

// escapes are what moves a cursor or colours text (ECMA-48), titles of windows, and character sets.
var escapes = regexp.MustCompile(`\x1b\[[0-9;?=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()*+][A-Za-z0-9]|\x1b[=>78cDEHMNOZ]`)

// plain is console text without escapes and control characters but for line ends.
func plain(p []byte) string {
	p = escapes.ReplaceAll(p, nil)
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, string(bytes.ToValidUTF8(p, nil)))
}

// kernelText is a message of the kernel with its time, up to the end of its line.
var kernelText = regexp.MustCompile(`(<\d{1,3}>)?\[ {0,8}\d{1,7}\.\d{1,6}\](\[ *[TC]\d+\])? [^\n]*\n`)

// lastLine is what stands on the line of the cursor.
func lastLine(text string) string {
	text = text[strings.LastIndexByte(text, '\n')+1:]
	text = strings.TrimRight(text, "\r")
	return text[strings.LastIndexByte(text, '\r')+1:]
}

var (
	bootText = regexp.MustCompile(`(?m)U-Boot (SPL )?\d{4}\.|U-Boot SPL|Hit any key to stop autoboot|autoboot in \d+|Starting kernel|` +
		`Linux version \d+\.|\[ +0\.000000\]|Booting Linux on|Uncompressing Linux|Welcome to GRUB|Booting .{1,40} \(.{1,20}\)\.\.\.|` +
		`barebox \d{4}\.|SeaBIOS|reboot: (Restarting|System halted|Power down)|Restarting system\.`)
	countdown  = regexp.MustCompile(`(?i)hit any key to stop autoboot|press .{1,20} to (stop|abort|interrupt) (auto)?boot|autoboot in \d+`)
	bootPrompt = regexp.MustCompile(`^(=>|[\w .()-]{0,30}(u-boot|uboot)[\w .()-]{0,20}[>#]|barebox[@:].{0,40}[:/>$#]|grub>|grub rescue>|CFE>|RedBoot>|ath>|ar7240>|Marvell>>)\s*$`)
	bootCased  = regexp.MustCompile(`(?i)u-boot`)
	rescue     = regexp.MustCompile(`(?i)^\(initramfs\)\s*$|for maintenance|\(or (press|type) control-d to continue\):\s*$`)
	loginAsk   = regexp.MustCompile(`(?i)(^|[\s\w)\]])(login|username|user name|benutzername|anmeldung)\s?:\s*$`)
	lastLogin  = regexp.MustCompile(`(?i)last login:|letzte anmeldung:`)
	passAsk    = regexp.MustCompile(`(?i)(password|passwort|passphrase|mot de passe)[^:]{0,40}:\s*$`)
	changeAsk  = regexp.MustCompile(`(?i)(new|current|retype|old|neues|\(current\) unix) password:\s*$`)
	activate   = regexp.MustCompile(`(?i)press enter to activate this console`)
	percentage = regexp.MustCompile(`\d\s?%\s?$`)
	shellAsk   = regexp.MustCompile(`[$#%>]\s?$`)
	progress   = regexp.MustCompile(`(##|\$\$|%%|>>|[=-]>)\s?$|^\t|(?i)^\W*(up|down)?(loading|writing|reading|erasing|programming|flashing|verifying|` +
		`burning|copying|extracting|unpacking|uncompressing|decompressing|saving|updating|installing|receiving|progress)([\s:.]|$)`)
	ourShell   = regexp.MustCompile(`(?m)^([0-9a-f]{16}) [.!] ([0-9a-f]{16})\r*$`)
	changeText = regexp.MustCompile(`(?i)required to change your password|password (has |have )?expired|must change your password|changing password for|password change required`)
	refuseText = regexp.MustCompile(`(?im)^.{0,60}(login incorrect|authentication failure|incorrect password|access denied|permission denied).{0,60}$`)
	barredText = regexp.MustCompile(`(?im)^.{0,60}(root login (is )?(refused|not allowed)|refused on this terminal|not permitted to log in|account (is )?(locked|disabled|has expired)|system is going down|logins? (is|are) (currently )?(disabled|not allowed)|too many).{0,60}$`)
)

// look tells what stands at the end of the text. Prompt is the profile's, nil for any shell's.
func look(text string, prompt *regexp.Regexp) seen {
	text = kernelText.ReplaceAllString(text, "") // they come after prompts as they like
	tail := lastLine(text)
	trimmed := strings.TrimSpace(tail)
	switch {
	case isBootPrompt(trimmed):
		return seenBoot
	case rescue.MatchString(trimmed):
		return seenRescue
	case prompt != nil && trimmed != "" && prompt.MatchString(tail):
		return seenShell
	case changeAsk.MatchString(tail):
		return seenChange
	case passAsk.MatchString(tail):
		return seenPassword
	case loginAsk.MatchString(tail) && !lastLogin.MatchString(tail):
		return seenLogin
	case activated(text):
		return seenActivate
	case trimmed == "" && ours(text):
		return seenOurs
	case prompt == nil && trimmed != "" && anyShell(tail):
		return seenShell
	default:
		return seenNothing
	}
}

// anyShell reports whether a line ends as a shell's prompt does, and is none of what is drawn with the same signs.
func anyShell(tail string) bool {
	return shellAsk.MatchString(tail) && !countdown.MatchString(tail) && !percentage.MatchString(tail) && !progress.MatchString(tail)
}

// atEnd is a profile's prompt where the console's last line ends.
func atEnd(prompt *regexp.Regexp) (*regexp.Regexp, error) {
	if prompt == nil {
		return nil, nil
	}
	return regexp.Compile(`(?:` + prompt.String() + `)\s?$`)
}

func isBootPrompt(tail string) bool {
	return bootPrompt.MatchString(tail) || bootCased.MatchString(tail) && bootPrompt.MatchString(strings.ToLower(tail))
}

// activated reports whether the last thing said is an invitation to press Enter.
func activated(text string) bool {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return activate.MatchString(lines[len(lines)-1])
}

// ours reports whether the last thing said is how a station's own shell answers what it does not understand.
func ours(text string) bool {
	all := ourShell.FindAllStringSubmatchIndex(text, -1)
	if len(all) == 0 {
		return false
	}
	m := all[len(all)-1]
	return text[m[2]:m[3]] == text[m[4]:m[5]] && strings.TrimSpace(text[m[1]:]) == ""
}

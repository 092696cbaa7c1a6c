package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"provstation/serialproto/port"
	"provstation/station"
)

// Wake is what is sent to a console that says nothing, to see whether it has a prompt.
type Wake string

// What wakes a console.
const (
	WakeCR    Wake = "cr"     // carriage return, as the Enter key sends it; the default
	WakeLF    Wake = "lf"     // line feed
	WakeCtrlC Wake = "ctrl-c" // for consoles on which a shell may have been left with a line half typed
	WakeNever Wake = "never"  // nothing is sent before the console has shown a prompt by itself
)

var wakes = map[Wake]string{WakeCR: "\r", WakeLF: "\n", WakeCtrlC: "\x03", WakeNever: ""}

// Become is how a login that is not root becomes root.
type Become string

// Ways to become root.
const (
	BecomeNothing Become = ""     // the login is root, or its user may do all that is needed
	BecomeSudo    Become = "sudo" // sudo, with the login's own password where sudo asks for one
)

// Login is who logs in. The zero value is root without a password.
type Login struct {
	User string // "": root
	// Password gives the password when the box asks for it: it is a reference, read each time. Nil: none, and a box that asks
	// is a fault.
	Password func(context.Context) (station.Secret, error)
	Become   Become
}

// Files are the names under which the box's programs find what it was given.
type Files struct {
	Dir       string // "": /certs
	Key       string // "": device-key.pem
	Device    string // "": device.pem: leaf and intermediates
	CA        string // "": ca-chain.pem: intermediates and root
	WireGuard string // "": wg0.conf
	Flag      string // "": .enrolled
	// OtherFlags are flags that mean the same on a box which the tenant's own script enrolled. Nil: "enrolled".
	OtherFlags []string
}

// Transport is the byte stream of a console; see link.Transport. An expired deadline is os.ErrDeadlineExceeded, Close
// unblocks Read and Write.
type Transport interface {
	Read(b []byte) (int, error)
	Write(b []byte) (int, error)
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	Close() error
}

// Config is how boxes on these ports are spoken to. The zero value is root without a password at 115200 baud.
type Config struct {
	Baud  int // 0: 115200
	Login Login
	Files Files

	// Prompt is what the shell's prompt looks like, at the end of the console's last line; a space may follow. Nil: a line that ends in $, #, % or >.
	Prompt *regexp.Regexp
	Wake   Wake // "": cr
	// Quiet is how long the console must have said nothing before it is woken; 0: 3 s. It doubles with each try, up to 30 s.
	Quiet time.Duration
	// BootQuiet is the same for a console on which boot text was heard: boots pause. 0: 20 s.
	BootQuiet time.Duration
	// Settle is how long a prompt must stand before it is believed; 0: 200 ms.
	Settle time.Duration
	// LoginTimeout bounds a login, from its prompt to a shell that answers; 0: 30 s.
	LoginTimeout time.Duration
	// Command bounds a command that does no work; 0: 30 s. It is what making keys and tests of the broker are not bound by.
	Command time.Duration
	// Idle is how long the box keeps a session in which nothing comes: a station that died leaves no open console. 0: 300 s.
	Idle time.Duration
	// MaxLine is the longest line that is sent, in bytes; 0: 700. Terminals take 4095, some line editors 255.
	MaxLine int
	// Pace is a pause after every 16 bytes sent, for boxes whose UART loses what comes at once. 0: none, until the box
	// has lost something.
	Pace time.Duration

	// KeyTypes bounds what the box is asked to make; nil: any that its openssl can.
	KeyTypes []string

	// OpenPort opens a path. Nil: the real port of that name.
	OpenPort func(path string, baud int) (Transport, error)
	// Now is the station's clock; nil: time.Now.
	Now func() time.Time
}

// Limits of a line: what the requests of this package need at least, and what a terminal in canonical mode takes.
const (
	leastLine = 200
	mostLine  = 4000
)

func (c Config) withDefaults() Config {
	c.Baud = cmp.Or(c.Baud, 115200)
	c.Login.User = cmp.Or(c.Login.User, "root")
	c.Files = c.Files.withDefaults()
	c.Wake = cmp.Or(c.Wake, WakeCR)
	c.Quiet = cmp.Or(c.Quiet, 3*time.Second)
	c.BootQuiet = cmp.Or(c.BootQuiet, 20*time.Second)
	c.Settle = cmp.Or(c.Settle, 200*time.Millisecond)
	c.LoginTimeout = cmp.Or(c.LoginTimeout, 30*time.Second)
	c.Command = cmp.Or(c.Command, 30*time.Second)
	c.Idle = cmp.Or(c.Idle, 300*time.Second)
	c.MaxLine = cmp.Or(c.MaxLine, 700)
	if c.OpenPort == nil {
		c.OpenPort = func(path string, baud int) (Transport, error) { return port.Open(path, port.Config{Baud: baud}) }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (f Files) withDefaults() Files {
	f.Dir = cmp.Or(f.Dir, "/certs")
	f.Key = cmp.Or(f.Key, "device-key.pem")
	f.Device = cmp.Or(f.Device, "device.pem")
	f.CA = cmp.Or(f.CA, "ca-chain.pem")
	f.WireGuard = cmp.Or(f.WireGuard, "wg0.conf")
	f.Flag = cmp.Or(f.Flag, ".enrolled")
	if f.OtherFlags == nil {
		f.OtherFlags = []string{"enrolled"}
	}
	return f
}

// userName is what may be typed at a login prompt.
var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

// fileName is a plain name that means nothing to a shell.
var fileName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Check says what is wrong with a configuration, if anything is. It reads no secret and opens nothing.
func (c Config) Check() error {
	c = c.withDefaults()
	if !userName.MatchString(c.Login.User) {
		return fmt.Errorf("console: user %q is no login name", c.Login.User)
	}
	if c.Login.Become != BecomeNothing && c.Login.Become != BecomeSudo {
		return fmt.Errorf("console: become %q, want sudo or nothing", string(c.Login.Become))
	}
	if _, ok := wakes[c.Wake]; !ok {
		return fmt.Errorf("console: wake %q, want cr, lf, ctrl-c or never", string(c.Wake))
	}
	if c.MaxLine < leastLine || c.MaxLine > mostLine {
		return fmt.Errorf("console: lines of %d bytes, want %d to %d", c.MaxLine, leastLine, mostLine)
	}
	for _, d := range []time.Duration{c.Quiet, c.BootQuiet, c.Settle, c.LoginTimeout, c.Command, c.Idle} {
		if d < 0 || d > time.Hour {
			return fmt.Errorf("console: a time of %s, want up to an hour", d)
		}
	}
	if c.Pace < 0 || c.Pace > time.Second {
		return fmt.Errorf("console: pace %s, want up to a second", c.Pace)
	}
	if _, err := atEnd(c.Prompt); err != nil {
		return fmt.Errorf("console: prompt: %w", err)
	}
	return c.Files.check()
}

func (f Files) check() error {
	d := f.Dir
	if !strings.HasPrefix(d, "/") || path.Clean(d) != d || d == "/" || len(d) > 120 {
		return fmt.Errorf("console: folder %q is not an absolute path below the root", d)
	}
	for _, part := range strings.Split(d, "/")[1:] {
		if !fileName.MatchString(part) {
			return fmt.Errorf("console: folder %q holds other than letters, digits, dot, dash and underscore", d)
		}
	}
	all := append([]string{f.Key, f.Device, f.CA, f.WireGuard, f.Flag}, f.OtherFlags...)
	for i, n := range all {
		switch {
		case !fileName.MatchString(n) || n == "." || n == ".." || n == ownDir:
			return fmt.Errorf("console: file name %q is not a plain name", n)
		case slices.Contains(all[:i], n):
			return fmt.Errorf("console: file name %q is used twice", n)
		}
	}
	if len(f.OtherFlags) > 4 {
		return errors.New("console: more than four other flags")
	}
	return nil
}

// ownDir is the station's own folder beside the files.
const ownDir = ".provstation"

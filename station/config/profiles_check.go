package config

import (
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"provstation/station"
)

// Bounds of a profile: those of SP1 (serialproto), and what is of use at a bench.
const (
	leastMTU, mostMTU             = 48, 246
	mostWindow                    = 64
	leastMessage, mostMessage     = 1024, 62976
	leastSilence, mostSilence     = 500 * time.Millisecond, 10 * time.Minute
	leastLine, mostLine           = 200, 4000 // of station/console
	mostFlags                     = 4
	ownBoxFolder                  = ".provstation"
	mostPattern                   = 256
	leastBaud, mostBaud       int = 300, 4_000_000
)

var (
	boxDirPattern  = regexp.MustCompile(`^/[A-Za-z0-9._/-]{0,119}$`)
	boxFilePattern = regexp.MustCompile(`^[A-Za-z0-9._][A-Za-z0-9._-]{0,63}$`)
	boxUserPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)
)

func keyTypes() []string { return []string{"P-256", "P-384", "Ed25519"} }

// profileCheck is the validation of one profile.
type profileCheck struct {
	check
	at string // profiles.NAME
}

func (v profileCheck) bad(key, format string, args ...any) { v.near(key, "", format, args...) }

// near is bad with what was probably meant. A key that stands nowhere has the profile's own place.
func (v profileCheck) near(key, near, format string, args ...any) {
	full := v.at + "." + key
	if v.src.bad[full] {
		return
	}
	src := v.src.Of(full)
	if src.Where == "" {
		src = v.src.Of(v.at)
	}
	v.ps.add(Problem{Where: src.Where, Key: full, Message: fmt.Sprintf(format, args...), Nearest: near})
}

// profiles judges the device profiles, and the rules that choose among them.
func (v check) profiles() {
	for _, name := range sortedKeys(v.c.Profiles) {
		p := profileCheck{v, "profiles." + name}
		if !labelPattern.MatchString(name) {
			v.bad("profiles", "%q: a profile's name is letters, digits, dot, dash and underscore, at most 63", clip(name))
		}
		if !p.kind(name, v.c.Profiles[name]) {
			continue // what belongs to the other driver is missing, and no news
		}
		p.line(v.c.Profiles[name])
		p.deadlines(v.c.Profiles[name])
		p.files(v.c.Profiles[name])
		p.console(v.c.Profiles[name])
	}
	names := v.c.ProfileNames()
	if !slices.Contains(names, v.c.Ports.Profile) {
		v.ps.add(Problem{
			Where: v.src.Of("ports.profile").Where, Key: "ports.profile", Nearest: nearest(v.c.Ports.Profile, names),
			Message: fmt.Sprintf("there is no profile %q", clip(v.c.Ports.Profile)),
		})
	}
	for i, r := range v.c.Ports.Profiles {
		v.rule(ruleKey(i), r, v.c.Ports.Profiles[:i], names)
	}
}

// kind judges what the profile is: its driver, what it begins as, and its keys. It reports whether the driver is settled.
func (v profileCheck) kind(name string, p DeviceProfile) bool {
	base, ok := builtinProfile(p.Like, v.c.Ports)
	switch {
	case !ok && v.src.bad[v.at+".like"]:
	case !ok:
		v.near("like", nearest(p.Like, builtinNames()), "want one of %s, got %q", strings.Join(builtinNames(), ", "), clip(p.Like))
	case slices.Contains(builtinNames(), name) && p.Like != name:
		v.bad("like", "%s is built in, and begins as itself: give the profile another name", name)
	case p.Driver != base.Driver:
		v.near("driver", base.Driver, "a profile like %s has driver: %s, got %q", p.Like, base.Driver, clip(p.Driver))
	case p.Like == ProfileUBoot && p.Probe:
		v.bad("probe", "a profile like uboot sends nothing before the device has announced itself: a byte during the countdown stops the boot for good")
	}
	for key, text := range map[string]string{"dtr": p.DTR, "rts": p.RTS} {
		if !contains([]string{LineLeave, LineRaise, LineDrop}, text) {
			v.bad(key, "want one of leave, raise, drop, got %q", clip(text))
		}
	}
	if p.KeyType != "" && !contains(keyTypes(), p.KeyType) {
		v.near("key_type", nearest(p.KeyType, keyTypes()), "want one of %s, got %q", strings.Join(keyTypes(), ", "), clip(p.KeyType))
	}
	if p.Driver == DriverAgent && (!reflect.ValueOf(p.Files).IsZero() || p.Console != ConsoleLogin{}) {
		v.bad("driver", "files and console belong to driver: console")
	}
	return !ok || p.Driver == base.Driver
}

// line judges how the port is spoken to.
func (v profileCheck) line(p DeviceProfile) {
	within := func(key string, n, least, most int) {
		if n != 0 && (n < least || n > most) {
			v.bad(key, "want %d to %d, or 0 for as much as there is, got %d", least, most, n)
		}
	}
	if p.Baud < leastBaud || p.Baud > mostBaud {
		v.bad("baud", "want %d to %d, got %d", leastBaud, mostBaud, p.Baud)
	}
	within("mtu", p.MTU, leastMTU, mostMTU)
	within("window", p.Window, 1, mostWindow)
	within("max_message", p.MaxMessage, leastMessage, mostMessage)
	if d := p.SilentAfter.D(); d < leastSilence || d > mostSilence {
		v.bad("silent_after", "want 500ms to 10m, got %s", p.SilentAfter)
	}
}

// deadlines judges the timeouts by the rules that phases.PHASE.deadline has.
func (v profileCheck) deadlines(p DeviceProfile) {
	phases := Default().Phases.Map()
	for _, name := range sortedKeys(p.Timeouts) {
		d := p.Timeouts[name]
		if _, ok := phases[station.Phase(name)]; !ok {
			var known []string
			for phase := range phases {
				known = append(known, string(phase))
			}
			slices.Sort(known)
			v.near("timeouts", nearest(name, known), "there is no phase %q", clip(name))
			continue
		}
		if d <= 0 || d.D() > maxDeadline {
			v.bad("timeouts", "%s: want more than 0s and at most 1h, got %s", name, d)
		}
		if name == string(station.PhaseEnroll) && d <= v.c.Bridge.Timeout {
			v.bad("timeouts", "enroll: must be more than bridge.timeout (%s), else a slow answer is lost; got %s", v.c.Bridge.Timeout, d)
		}
		for key, server := range map[string]struct {
			url     string
			timeout Duration
		}{
			"tenant.thingsboard.timeout": {v.c.Tenant.ThingsBoard.URL, v.c.Tenant.ThingsBoard.Timeout},
			"tenant.hawkbit.timeout":     {v.c.Tenant.HawkBit.URL, v.c.Tenant.HawkBit.Timeout},
		} {
			if name == string(station.PhaseRegister) && server.url != "" && d <= server.timeout {
				v.bad("timeouts", "register: must be more than %s (%s), got %s", key, server.timeout, d)
			}
		}
	}
}

// files judges where a box gets its files. The names go into commands on the box: nothing in them may mean anything to a shell.
func (v profileCheck) files(p DeviceProfile) {
	if p.Driver != DriverConsole {
		return
	}
	f := p.Files
	if !boxDirPattern.MatchString(f.Dir) || path.Clean(f.Dir) != f.Dir || f.Dir == "/" {
		v.bad("files.dir", "want a full path of a folder on the box, of letters, digits, dot, dash and underscore, got %q", clip(f.Dir))
	}
	names := map[string]string{}
	list := [][2]string{{"key", f.Key}, {"device", f.Device}, {"ca", f.CA}, {"wireguard", f.WireGuard}, {"flag", f.Flag}}
	for _, name := range f.OtherFlags {
		list = append(list, [2]string{"other_flags", name})
	}
	if len(f.OtherFlags) > mostFlags {
		v.bad("files.other_flags", "want at most %d", mostFlags)
	}
	for _, file := range list {
		key, name := file[0], file[1]
		if !boxFilePattern.MatchString(name) || name == "." || name == ".." || name == ownBoxFolder {
			v.bad("files."+key, "want a file's name of letters, digits, dot, dash and underscore, got %q", clip(name))
		}
		if other, twice := names[name]; twice {
			v.bad("files."+key, "has the name of files.%s", other)
		}
		names[name] = key
	}
}

// console judges the login.
func (v profileCheck) console(p DeviceProfile) {
	if p.Driver != DriverConsole {
		return
	}
	c := p.Console
	if !boxUserPattern.MatchString(c.User) {
		v.bad("console.user", "want a user of the box, got %q", clip(c.User))
	}
	if c.PasswordFile != "" && c.PasswordEnv != "" {
		v.bad("console.password_file", "give password_file or password_env, and not both")
	}
	if c.PasswordEnv != "" && !envPattern.MatchString(c.PasswordEnv) {
		v.bad("console.password_env", "want the name of an environment variable, got %q", clip(c.PasswordEnv))
	}
	if !contains([]string{BecomeNone, BecomeSudo}, c.Become) {
		v.bad("console.become", "want one of none, sudo, got %q", clip(c.Become))
	}
	if !contains([]string{WakeCR, WakeLF, WakeCtrlC, WakeNever}, c.Wake) {
		v.bad("console.wake", "want one of cr, lf, ctrl-c, never, got %q", clip(c.Wake))
	}
	re, err := regexp.Compile(c.Prompt)
	switch {
	case len(c.Prompt) > mostPattern:
		v.bad("console.prompt", "want at most %d bytes", mostPattern)
	case err != nil:
		v.bad("console.prompt", "is not a regular expression (RE2): %s", clip(err.Error()))
	case c.Prompt != "" && re.MatchString(""):
		v.bad("console.prompt", "matches the empty text: it would be seen at once")
	}
	for key, d := range map[string]Duration{
		"quiet": c.Quiet, "boot_quiet": c.BootQuiet, "login_timeout": c.LoginTimeout, "command_timeout": c.CommandTimeout, "idle": c.Idle,
	} {
		if d.D() < leastSilence || d.D() > maxDeadline {
			v.bad("console."+key, "want 500ms to 1h, got %s", d)
		}
	}
	if c.MaxLine < leastLine || c.MaxLine > mostLine {
		v.bad("console.max_line", "want %d to %d, got %d", leastLine, mostLine, c.MaxLine)
	}
	if c.Pace < 0 || c.Pace.D() > time.Second {
		v.bad("console.pace", "want 0s to 1s, got %s", c.Pace)
	}
}

// rule judges one rule beside those before it.
func (v check) rule(at string, r ProfileRule, before []ProfileRule, names []string) {
	bad := func(key, near, format string, args ...any) {
		v.ps.add(Problem{Where: v.src.Of(at).Where, Key: at + key, Message: fmt.Sprintf(format, args...), Nearest: near})
	}
	switch {
	case r.Profile == "":
		bad("", "", "names no profile")
	case !slices.Contains(names, r.Profile):
		bad(".profile", nearest(r.Profile, names), "there is no profile %q", clip(r.Profile))
	}
	if r.USB == "" && r.Port == "" && r.Slot == "" {
		bad("", "", "names no port: want usb, port or slot")
	}
	if r.USB != "" && !usbPattern.MatchString(r.USB) {
		bad(".usb", "", "want VID:PID or VID:* in hex digits, such as \"0403:6001\" (quoted), got %q", clip(r.USB))
	}
	if msg := portPatternProblem(r.Port); r.Port != "" && msg != "" {
		bad(".port", "", "%s", msg)
	}
	if len(r.Slot) > maxSlotName {
		bad(".slot", "", "want a slot's name of at most %d bytes", maxSlotName)
	}
	for i, b := range before {
		if strings.EqualFold(b.USB, r.USB) && b.Port == r.Port && b.Slot == r.Slot {
			bad("", "", "is never reached: %s says the same of %s", ruleKey(i), r)
			return
		}
	}
	for key, text := range map[string]string{".usb": r.USB, ".port": r.Port, ".slot": r.Slot, ".profile": r.Profile} {
		if err := checkText(text); err != nil {
			bad(key, "", "%v", err)
		}
	}
}

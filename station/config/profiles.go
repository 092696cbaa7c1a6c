package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"provstation/station"
)

// Drivers of a [DeviceProfile].
const (
	DriverAgent   = "agent"   // an agent answers on the line (SP1)
	DriverConsole = "console" // a login on the serial console of a Linux box, without an agent
)

// The built-in profiles. A profile of the configuration that has the name of one changes it.
const (
	ProfileAgent         = "agent"
	ProfileConsole       = "console"
	ProfileMCU           = "mcu"
	ProfileUBoot         = "uboot"
	ProfileSharedConsole = "shared-console"
)

// What is done with a modem line when a port has been opened.
const (
	LineLeave = "leave" // as the system opened the port: both raised, on most
	LineRaise = "raise"
	LineDrop  = "drop"
)

// DeviceProfile is how the devices of one kind are spoken to and treated. In a loaded configuration every key has its
// value, taken from the built-in profile that it begins as.
type DeviceProfile struct {
	Like   string `yaml:"like" enum:"agent|console|mcu|uboot|shared-console"` // the built-in profile that it begins as
	Driver string `yaml:"driver" enum:"agent|console"`
	Baud   int    `yaml:"baud"`
	Probe  bool   `yaml:"probe" driver:"agent"` // speak before the device has announced itself
	DTR    string `yaml:"dtr" enum:"leave|raise|drop"`
	RTS    string `yaml:"rts" enum:"leave|raise|drop"`
	// MTU, Window and MaxMessage bound what the station asks an agent for: payload bytes of a frame, frames in flight, bytes of
	// a message. 0: as much as the protocol has.
	MTU         int      `yaml:"mtu" driver:"agent"`
	Window      int      `yaml:"window" driver:"agent"`
	MaxMessage  int      `yaml:"max_message" driver:"agent"`
	SilentAfter Duration `yaml:"silent_after"` // how long the port may say nothing before that is said
	KeyType     string   `yaml:"key_type"`     // P-256|P-384|Ed25519; empty: pki.key_type
	// Timeouts are deadlines of phases in place of phases.PHASE.deadline, by the phase's name.
	Timeouts map[string]Duration `yaml:"timeouts"`
	Files    Files               `yaml:"files" driver:"console"`
	Console  ConsoleLogin        `yaml:"console" driver:"console"`
}

// Files are where a box without an agent gets its files.
type Files struct {
	Dir       string `yaml:"dir"` // on the box
	Key       string `yaml:"key"` // names in Dir
	Device    string `yaml:"device"`
	CA        string `yaml:"ca"`
	WireGuard string `yaml:"wireguard"`
	Flag      string `yaml:"flag"`
	// OtherFlags are flags that mean the same on a box which the tenant's own script enrolled.
	OtherFlags []string `yaml:"other_flags"`
}

// What wakes a console that says nothing.
const (
	WakeCR    = "cr" // a carriage return, as the Enter key sends it
	WakeLF    = "lf"
	WakeCtrlC = "ctrl-c" // where a shell may have been left with a line half typed
	WakeNever = "never"  // nothing is sent before the console has shown a prompt by itself
)

// How a user of the console becomes root.
const (
	BecomeNone = "none" // it is root, or may do all that is needed
	BecomeSudo = "sudo" // with the user's own password, where sudo asks for one
)

// ConsoleLogin is how the station logs in on a box's console. The password is referred to, never held.
type ConsoleLogin struct {
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file" path:"yes"` // neither it nor PasswordEnv: the user has no password
	PasswordEnv  string `yaml:"password_env"`
	Become       string `yaml:"become" enum:"none|sudo"`
	Prompt       string `yaml:"prompt"` // RE2 of the shell's prompt, at the end of the last line; empty: one that ends in $, #, % or >
	Wake         string `yaml:"wake" enum:"cr|lf|ctrl-c|never"`
	// Quiet is how long the console must have said nothing before it is woken, BootQuiet the same once boot text was heard.
	Quiet          Duration `yaml:"quiet"`
	BootQuiet      Duration `yaml:"boot_quiet"`
	LoginTimeout   Duration `yaml:"login_timeout"`   // from the prompt to a shell that answers
	CommandTimeout Duration `yaml:"command_timeout"` // of a command that does no work
	Idle           Duration `yaml:"idle"`            // how long the box keeps a session in which nothing comes
	MaxLine        int      `yaml:"max_line"`        // the longest line that is sent, in bytes
	Pace           Duration `yaml:"pace"`            // a pause after every 16 bytes, for a UART that loses what comes at once
}

// ProfileRule gives a port its profile. Every condition that it names has to fit; it names at least one.
type ProfileRule struct {
	USB     string `yaml:"usb"`  // VID:PID or VID:*, hex digits
	Port    string `yaml:"port"` // path, pattern, or tcp://host:port
	Slot    string `yaml:"slot"` // the slot's name
	Profile string `yaml:"profile"`
}

// String is the rule's conditions on one line.
func (r ProfileRule) String() string {
	var parts []string
	for _, c := range [][2]string{{"usb", r.USB}, {"port", r.Port}, {"slot", r.Slot}} {
		if c[1] != "" {
			parts = append(parts, c[0]+" "+c[1])
		}
	}
	return strings.Join(parts, ", ")
}

func builtinNames() []string {
	return []string{ProfileAgent, ProfileConsole, ProfileMCU, ProfileUBoot, ProfileSharedConsole}
}

// builtinProfile gives a built-in profile as the ports' settings make it. ports.baud is the speed of all of them; ports.probe
// holds where speaking early does no harm beyond the device itself, which uboot and shared-console exist to avoid.
func builtinProfile(name string, ports Ports) (DeviceProfile, bool) {
	p := DeviceProfile{
		Like: name, Driver: DriverAgent, Baud: ports.Baud, Probe: ports.Probe, DTR: LineLeave, RTS: LineLeave, SilentAfter: seconds(3),
	}
	minute := func(phases ...station.Phase) {
		p.Timeouts = map[string]Duration{}
		for _, phase := range phases {
			p.Timeouts[string(phase)] = seconds(60)
		}
	}
	switch name {
	case ProfileAgent:
	case ProfileConsole:
		p.Driver, p.Probe, p.SilentAfter = DriverConsole, false, seconds(10)
		p.Files = Files{
			Dir: "/certs", Key: "device-key.pem", Device: "device.pem", CA: "ca-chain.pem", WireGuard: "wg0.conf", Flag: ".enrolled",
			OtherFlags: []string{"enrolled"},
		}
		p.Console = ConsoleLogin{
			User: "root", Become: BecomeNone, Wake: WakeCR, Quiet: seconds(3), BootQuiet: seconds(20), LoginTimeout: seconds(30),
			CommandTimeout: seconds(30), Idle: seconds(300), MaxLine: 700,
		}
		minute(station.PhaseIdentify)
		p.Timeouts[string(station.PhaseInstall)] = seconds(240)
	case ProfileMCU:
		// Both lines raised is what the auto-reset circuits of common boards take for "run".
		p.DTR, p.RTS, p.Window, p.MaxMessage, p.SilentAfter = LineRaise, LineRaise, 1, 4096, seconds(15)
		minute(station.PhaseIdentify)
		p.Timeouts[string(station.PhaseKeygen)] = seconds(180)
		p.Timeouts[string(station.PhaseInstall)] = seconds(240)
	case ProfileUBoot:
		p.Probe, p.SilentAfter = false, seconds(90)
		minute(station.PhaseIdentify)
	case ProfileSharedConsole:
		// A kernel line that falls into a frame costs that frame: short ones get through between two lines.
		p.Probe, p.MTU, p.SilentAfter = false, 96, seconds(30)
		minute(station.PhaseIdentify, station.PhaseReadback)
		p.Timeouts[string(station.PhaseInstall)] = seconds(240)
	default:
		return DeviceProfile{}, false
	}
	return p, true
}

// DeviceProfile gives a profile by its name: one of the configuration, else a built-in one.
func (c *Config) DeviceProfile(name string) (DeviceProfile, bool) {
	if p, ok := c.Profiles[name]; ok {
		return clone(p), true
	}
	return builtinProfile(name, c.Ports)
}

// NoProfile says that there is no profile of that name, and which one was probably meant.
func (c *Config) NoProfile(name string) error {
	return errors.New(Problem{
		Message: fmt.Sprintf("there is no profile %q", clip(name)), Nearest: nearest(name, c.ProfileNames()),
	}.String())
}

// ProfileNames lists the built-in profiles, then those that only the configuration has.
func (c *Config) ProfileNames() []string {
	names := builtinNames()
	for _, name := range sortedKeys(c.Profiles) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// KeyTypeOf is the type of key that a profile's devices make.
func (c *Config) KeyTypeOf(p DeviceProfile) string { return cmp.Or(p.KeyType, c.PKI.KeyType) }

// ProfilesInUse are the names of the profiles that a port can get, that of ports without a rule first.
func (c *Config) ProfilesInUse() []string {
	names := []string{c.Ports.Profile}
	for _, r := range c.Ports.Profiles {
		if !slices.Contains(names, r.Profile) {
			names = append(names, r.Profile)
		}
	}
	return names
}

// Patience is the longest time that a port of this bench may say nothing before that means something.
func (c *Config) Patience() time.Duration {
	most := time.Duration(0)
	for _, name := range c.ProfilesInUse() {
		if p, ok := c.DeviceProfile(name); ok {
			most = max(most, p.Patience())
		}
	}
	return most
}

// entryBytes is what crosses a console in both directions until the box in it is known, generously.
const entryBytes = 24 << 10

// Patience is how long a port with this profile may seem to do nothing. A box without an agent says who it is after a login,
// whose exchange is not seen from outside: its boot, the login and its bytes at this speed count, too.
func (p DeviceProfile) Patience() time.Duration {
	d := p.SilentAfter.D()
	if p.Driver == DriverConsole {
		line := time.Duration(entryBytes * 10 * float64(time.Second) / float64(max(p.Baud, 1)))
		d = max(d, p.Console.BootQuiet.D()+p.Console.LoginTimeout.D()+line)
	}
	return d
}

// Deadlines are the profile's timeouts by phase; nil without any.
func (p DeviceProfile) Deadlines() map[station.Phase]time.Duration {
	if len(p.Timeouts) == 0 {
		return nil
	}
	out := make(map[station.Phase]time.Duration, len(p.Timeouts))
	for phase, d := range maps.All(p.Timeouts) {
		out[station.Phase(phase)] = d.D()
	}
	return out
}

// Choice is the profile that a port gets, and why.
type Choice struct {
	Name    string
	Profile DeviceProfile
	Rule    int         // number of the rule that fits, from 1; 0: ports.profile
	By      ProfileRule // that rule
}

// Why names what decided, in stable English.
func (ch Choice) Why() string {
	if ch.Rule == 0 {
		return "ports.profile"
	}
	return fmt.Sprintf("rule %d: %s", ch.Rule, ch.By)
}

// ProfileFor chooses the profile of a port: that of the first rule which fits, else ports.profile. The port's SlotName is what
// rules for slots look at.
func (c *Config) ProfileFor(p station.PortInfo) Choice {
	ch := Choice{Name: c.Ports.Profile}
	for i, r := range c.Ports.Profiles {
		if r.fits(p) {
			ch.Name, ch.Rule, ch.By = r.Profile, i+1, r
			break
		}
	}
	ch.Profile, _ = c.DeviceProfile(ch.Name) // validated: it exists
	return ch
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/config"
	"provstation/station/device"
)

// tryFlags are the flags of `profile try`.
type tryFlags struct {
	profile string
	limit   time.Duration
	probe   bool
	listen  bool
	login   bool
	scan    bool
	json    bool
}

func (a *app) profileTryCommand() *cobra.Command {
	var f tryFlags
	cmd := &cobra.Command{
		Use: "try PORT", Short: "Open a port by its profile, listen, and say what is there and which profile fits", Args: cobra.ExactArgs(1),
		Long: `Open a port as the configuration says, listen for a bounded time, and show what was found and why: the profile and the rule that
chose it, whether bytes come and make sense at this speed, boot text and a boot loader's countdown, an agent's ANNOUNCE and
what its greeting says, a login or a shell's prompt, and which profile fits, with the lines for the configuration.
PORT is a path, the name or place of a slot, or tcp://host:port.

Nothing is sent before an agent has announced itself, unless the profile says so (probe, or wake of a console) or --probe
does; an agent that announced itself is greeted, asked for its state, and left. --listen sends nothing whatever comes.
Opening a port pulses its modem lines on most systems, which restarts boards that are wired so; --scan-baud opens it again
for each speed. Nothing is made, changed or recorded on the device.

Exit codes: 0 what is there is what the profile is for; 1 it is not, nothing is there, or the port cannot be opened; 2 usage
or configuration.`,
		Example: `  provstation profile try /dev/ttyUSB0
  provstation profile try left-1 --profile uboot --for 2m
  provstation profile try /dev/ttyUSB0 --scan-baud`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.profileTry(cmd.Context(), args[0], f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.profile, "profile", "", "the profile, in place of the one that the configuration chooses")
	fl.DurationVar(&f.limit, "for", 0, "how long to listen; default: twice the profile's silent_after, at least 5s")
	fl.BoolVar(&f.probe, "probe", false, "speak first: HELLO to an agent, a carriage return to a console")
	fl.BoolVar(&f.listen, "listen", false, "send nothing, whatever comes")
	fl.BoolVar(&f.login, "login", false, "log in where the profile's driver is console, say what the box is, and log out")
	fl.BoolVar(&f.scan, "scan-baud", false, "try the usual speeds where this one gives nothing that makes sense")
	fl.BoolVar(&f.json, "json", false, "one JSON object on standard output")
	return cmd
}

const (
	leastListen = 5 * time.Second
	mostListen  = 10 * time.Minute
	scanListen  = 2 * time.Second // at each speed
)

// usualBauds are the speeds of serial consoles, the most likely first.
func usualBauds() []int {
	return []int{115200, 9600, 57600, 38400, 19200, 921600, 230400, 460800, 1500000, 74880}
}

// trial is one `profile try`.
type trial struct {
	cfg    *config.Config
	port   station.PortInfo
	use    portRow
	choice config.Choice
	flags  tryFlags

	heard   hearing
	scans   []hearing // other speeds, the last one of which made sense if found is set
	found   *hearing
	login   *station.Greeting
	words   station.Words
	trouble *station.Fault // the port, or the login
}

func (a *app) profileTry(ctx context.Context, what string, f tryFlags) error {
	cfg, _, err := a.configured()
	if err != nil {
		return err
	}
	t := &trial{cfg: cfg, flags: f}
	if err := t.prepare(what, realSystem()); err != nil {
		return err
	}
	if t.words, err = sentences(cfg); err != nil {
		return usage("%v", err)
	}
	if err := t.run(ctx); err != nil {
		return &exitError{exitBad, err}
	}
	if err := t.write(a.stdout); err != nil {
		return &exitError{exitFault, err}
	}
	if !t.fits() {
		return &exitError{code: exitBad}
	}
	return nil
}

// prepare finds the port and its profile, and refuses flags that contradict each other.
func (t *trial) prepare(what string, sys system) error {
	f := t.flags
	if f.limit < 0 || f.limit > mostListen {
		return usage("--for: want up to %s, got %s", mostListen, f.limit)
	}
	if f.listen && (f.probe || f.login) {
		return usage("--listen sends nothing: --probe and --login do")
	}
	list, err := portsOf(t.cfg, sys)
	if err != nil {
		return &exitError{exitFault, err}
	}
	p, err := t.find(what, list)
	if err != nil {
		return err
	}
	t.port = p
	t.use = portRowOf(t.cfg, sys, p)
	t.choice = t.cfg.ProfileFor(p)
	if f.profile != "" {
		profile, ok := t.cfg.DeviceProfile(f.profile)
		if !ok {
			return usage("--profile: %v", t.cfg.NoProfile(f.profile))
		}
		t.choice = config.Choice{Name: f.profile, Profile: profile}
	}
	switch {
	case f.login && t.choice.Profile.Driver != config.DriverConsole:
		return usage("--login: profile %s has driver: agent, which has no login", t.choice.Name)
	case f.probe && t.choice.Profile.Like == config.ProfileUBoot:
		return usage("--probe: profile %s sends nothing before its agent is heard, since a byte during the countdown stops the boot; give another --profile",
			t.choice.Name)
	}
	return nil
}

// find is the port that somebody named: by path, by the slot's name or place, or one that no list has.
func (t *trial) find(what string, list []drivenPort) (station.PortInfo, error) {
	rules := portRules(t.cfg)
	var names []string
	for _, p := range list {
		slot, _, _ := rules.Use(p.PortInfo)
		p.SlotName = slot
		if what == p.Path || what == p.Slot || what == slot || (what == p.ByID && what != "") {
			return p.PortInfo, nil
		}
		names = append(names, p.Path, slot)
	}
	if what == "" || !strings.ContainsAny(what, `/\`) && !strings.HasPrefix(strings.ToUpper(what), "COM") {
		slices.Sort(names)
		return station.PortInfo{}, usage("there is no port and no slot %q; there are: %s", plain(what), plain(strings.Join(slices.Compact(names), ", ")))
	}
	p := station.PortInfo{Path: what, Slot: what, Network: port.IsNetwork(what)}
	p.SlotName, _, _ = rules.Use(p)
	return p, nil
}

// run opens the port and listens, at other speeds, too, if that was asked for, and logs in.
func (t *trial) run(ctx context.Context) error {
	l := &listener{
		profile: t.choice.Profile, limit: t.limit(), mute: t.flags.listen,
		probe: t.flags.probe || t.choice.Profile.Driver == config.DriverAgent && t.choice.Profile.Probe,
		open: func(baud int) (link.Transport, error) {
			return port.Open(t.port.Path, port.Config{Baud: baud, DTR: level(t.choice.Profile.DTR), RTS: level(t.choice.Profile.RTS)})
		},
	}
	var err error
	if t.heard, err = l.listen(ctx, t.choice.Profile.Baud); err != nil {
		return t.opening(ctx, err)
	}
	if t.heard.Gone != nil {
		return t.opening(ctx, t.heard.Gone)
	}
	if t.flags.scan && !t.heard.sensible() {
		if err := t.scan(ctx, *l); err != nil {
			return t.opening(ctx, err)
		}
	}
	if t.flags.login && t.trouble == nil {
		return t.logIn(ctx)
	}
	return nil
}

// opening notes why the port could not be opened, or went away.
func (t *trial) opening(ctx context.Context, why error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	t.trouble = device.PortFault(t.port.Path, why)
	return nil
}

func (t *trial) limit() time.Duration {
	if t.flags.limit > 0 {
		return t.flags.limit
	}
	return min(max(leastListen, 2*t.choice.Profile.SilentAfter.D()), mostListen)
}

// scan listens at the other usual speeds until something makes sense.
func (t *trial) scan(ctx context.Context, l listener) error {
	l.limit = max(scanListen, min(t.flags.limit, t.limit()))
	if t.flags.limit == 0 {
		l.limit = scanListen
	}
	for _, baud := range usualBauds() {
		if baud == t.choice.Profile.Baud {
			continue
		}
		h, err := l.listen(ctx, baud)
		if err != nil {
			var pe *port.Error
			if errors.As(err, &pe) && errors.Is(pe.Kind, port.ErrUnsupported) {
				continue // not every adapter has every speed
			}
			return err
		}
		t.scans = append(t.scans, h)
		if h.sensible() {
			t.found = &t.scans[len(t.scans)-1]
			return nil
		}
	}
	return nil
}

// sensible reports whether something was heard that fits the speed.
func (h hearing) sensible() bool {
	k := h.kind()
	return k != heardSilent && k != heardGarbage
}

// logIn has the console's driver log in, as a run would, and log out.
func (t *trial) logIn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.limit()+t.choice.Profile.Console.LoginTimeout.D())
	defer cancel()
	g, err := loggedIn(ctx, newRouter(t.cfg, nil).connector(t.choice.Name, t.choice.Profile), t.port)
	switch f, ok := station.AsFault(err); {
	case err == nil:
		t.login = &g
	case ok:
		t.trouble = f
	case errors.Is(err, context.DeadlineExceeded):
		t.trouble = &station.Fault{Code: station.CodePortSilent, Params: map[string]string{"port": t.port.Path}}
	default:
		return fmt.Errorf("log in: %w", err)
	}
	return nil
}

func loggedIn(ctx context.Context, c station.Connector, p station.PortInfo) (station.Greeting, error) {
	line, err := c.Open(ctx, p)
	if err != nil {
		return station.Greeting{}, err
	}
	defer line.Close()
	if _, err := line.Wait(ctx); err != nil {
		return station.Greeting{}, err
	}
	g, err := line.Greet(ctx)
	bctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeLimit)
	defer cancel()
	line.Bye(bctx)
	return g, err
}

// fits reports whether what is there is what the profile is for.
func (t *trial) fits() bool {
	if t.trouble != nil || t.found != nil {
		return false
	}
	if t.choice.Profile.Driver == config.DriverConsole {
		return t.login != nil || !t.flags.login && (t.heard.Login || t.heard.Shell)
	}
	return t.heard.Announced > 0 && t.heard.GreetErr == nil
}

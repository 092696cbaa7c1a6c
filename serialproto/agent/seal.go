package agent

import (
	"bytes"
	"time"

	"provstation/serialproto"
)

const (
	maxFlag    = 64                        // bytes of the enrolled flag
	clockReach = 20 * 365 * 24 * time.Hour // how far beyond the build a clock may be set
)

// lock answers OpLock: the generation becomes the active one and the device is sealed.
func (a *Agent) lock(args serialproto.LockArgs) (any, error) {
	if len(args.Flag) > maxFlag {
		return nil, refuse(serialproto.StatusTooLarge, "flag is longer than %d bytes", maxFlag)
	}
	if clean(args.Flag, maxFlag) != args.Flag {
		return nil, refuse(serialproto.StatusBadArgument, "flag holds other than printable ASCII")
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	if v.state == serialproto.StateSealed && bytes.Equal(v.Newest.EnrollID, args.EnrollID) {
		return nil, nil
	}
	g, err := v.candidate(args.EnrollID)
	if err != nil {
		return nil, err
	}
	if !g.Installed {
		return nil, refuse(serialproto.StatusWrongState, "nothing is installed")
	}
	h, err := a.holding(g)
	if err != nil {
		return nil, err
	}
	if t := h.device[0].NotBefore; a.plausible(t) {
		if err := a.store.RaiseFloor(t); err != nil {
			return nil, err
		}
	}
	if err := a.store.Activate(g.Number, args.Flag); err != nil {
		return nil, err
	}
	after, err := a.load()
	if err != nil {
		return nil, err
	}
	if after.Active == nil || after.Active.Number != g.Number {
		return nil, refuse(serialproto.StatusInternal, "sealing did not take")
	}
	if a.cfg.Reenroll == serialproto.ReenrollUnlock && len(h.files.Pins) == 0 {
		a.cfg.Log.Warn("sealed without an unlock key: nothing but flashing it anew makes a new key")
		a.say("sealed without an unlock key: nothing but flashing it anew makes a new key")
	}
	return nil, nil
}

// clock answers OpClock. It is set only before the device is sealed or under an unlock, never below the build time or the highest trusted
// time seen (what a station set before, and the start of the installed certificate).
func (a *Agent) clock(args serialproto.ClockArgs) (any, error) {
	if args.Set == 0 {
		return serialproto.ClockResult{Now: a.clockMicros()}, nil
	}
	if !a.cfg.ManageClock {
		return nil, refuse(serialproto.StatusRefused, "clock is not to be set")
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	if v.closed() && a.granted() == 0 {
		return nil, refuse(serialproto.StatusLocked, "device is sealed")
	}
	t := time.UnixMicro(args.Set)
	switch {
	case t.Before(a.cfg.BuildTime):
		return nil, refuse(serialproto.StatusRefused, "time is before this software was built")
	case t.Before(v.Floor):
		return nil, refuse(serialproto.StatusRefused, "time is before the highest seen")
	case !a.plausible(t):
		return nil, refuse(serialproto.StatusBadArgument, "time is too far ahead")
	}
	if err := a.store.RaiseFloor(t); err != nil {
		return nil, err
	}
	if err := a.cfg.Clock.Set(t); err != nil {
		a.cfg.Log.Error("set clock", "error", err)
		return nil, refuse(serialproto.StatusInternal, "clock could not be set")
	}
	return serialproto.ClockResult{Now: a.clockMicros()}, nil
}

// plausible keeps one wrong time from holding the clock in the far future for ever.
func (a *Agent) plausible(t time.Time) bool {
	return a.cfg.BuildTime.IsZero() || t.Before(a.cfg.BuildTime.Add(clockReach))
}

// clockMicros is the clock as the protocol says it; a clock before 1970 counts as none.
func (a *Agent) clockMicros() int64 { return max(a.cfg.Clock.Now().UnixMicro(), 0) }

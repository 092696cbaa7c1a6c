package conform

import (
	"strings"

	"provstation/serialproto"
)

// lockCases refuse to seal; none of them does.
func lockCases() []Case {
	list := []Case{
		{ID: "lock-state", Text: "LOCK with nothing installed is answered with status 6", State: serialproto.StateKeyed, run: lockState},
		{ID: "lock-other", Text: "LOCK of another enroll id is answered with status 6", State: serialproto.StateInstalled, run: lockOther},
		{ID: "lock-flag", Text: "a flag over 64 bytes or with control characters is refused", State: serialproto.StateInstalled, run: lockFlag},
		{ID: "token-unsealed", Clause: "Token", Text: "TOKEN before LOCK is answered with status 6", State: serialproto.StateInstalled, Features: serialproto.FeatureRenew, run: tokenUnsealed},
		{ID: "renew-unsealed", Clause: "Renew", Text: "RENEW before LOCK is answered with status 6", State: serialproto.StateInstalled, Features: serialproto.FeatureRenew, run: renewUnsealed},
		{ID: "unlock-unsealed", Clause: "Unlock", Text: "UNLOCK and ERASE before LOCK are answered with status 6", State: serialproto.StateInstalled, Features: serialproto.FeatureUnlock, run: unlockUnsealed},
		{ID: "renew-set", Clause: "Messages", Text: "RENEW_SET stores where the box renews; STATUS says so; an URL that is none is refused with status 13", State: serialproto.StateInstalled, Features: serialproto.FeatureRenewSet, run: renewSet},
	}
	for i := range list {
		if list[i].Level, list[i].limit = Must, keyPatience; list[i].Clause == "" {
			list[i].Clause = "Messages"
		}
	}
	return list
}

// unsealed wants the device as open as it was.
func (d *dut) unsealed() {
	st := d.status()
	d.check(st.State == d.fx.state && st.Active == 0, "want the device not sealed, got state %v, active generation %d", st.State, st.Active)
}

func lockState(d *dut) {
	d.refused("LOCK with nothing installed", serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: d.fx.enrollID}, serialproto.StatusWrongState)
	d.unsealed()
}

func lockOther(d *dut) {
	d.refused("LOCK of another enrollment", serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: d.newEnroll().EnrollID}, serialproto.StatusWrongState)
	d.refused("LOCK without an enroll id", map[uint8]any{0: 7}, serialproto.StatusBadArgument)
	d.unsealed()
}

func lockFlag(d *dut) {
	for _, flag := range []string{strings.Repeat("a", 65), "a\nb", "\x1b[2J"} {
		d.refused("LOCK with a flag that is none", serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: d.fx.enrollID, Flag: flag},
			serialproto.StatusBadArgument, serialproto.StatusTooLarge)
	}
	d.unsealed()
}

func tokenUnsealed(d *dut) {
	d.refused("TOKEN before LOCK", serialproto.TokenArgs{Op: serialproto.OpToken, Audience: renewURL}, serialproto.StatusWrongState)
}

func renewUnsealed(d *dut) {
	leaf := d.issued(d.ca.sub, leafTemplate(d.fx.deviceID), d.fx.pub).Raw
	d.refused("RENEW before LOCK", serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: leaf, EnrollID: d.fx.enrollID, Commit: true}, serialproto.StatusWrongState)
}

func unlockUnsealed(d *dut) {
	d.refused("UNLOCK before LOCK", serialproto.UnlockArgs{Op: serialproto.OpUnlock, Purpose: serialproto.PurposeErase, Lifetime: 60}, serialproto.StatusWrongState)
	d.refused("ERASE before LOCK", serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: d.fx.enrollID}, serialproto.StatusWrongState)
	d.unsealed()
}

func renewSet(d *dut) {
	set := func(url string) serialproto.RenewSetArgs {
		return serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: url, EnrollID: d.fx.enrollID}
	}
	for _, url := range badURLs() {
		d.refused("RENEW_SET to "+url, set(url), serialproto.StatusRefused)
	}
	for _, url := range []string{renewURL, ""} {
		d.ok(set(url), nil)
		st := d.status()
		d.check(st.Renewal != nil && st.Renewal.URL == url, "want STATUS to say that it renews at %q", url)
	}
	other := set(renewURL)
	other.EnrollID = d.newEnroll().EnrollID
	d.refused("RENEW_SET for another enrollment", other, serialproto.StatusWrongState)
}

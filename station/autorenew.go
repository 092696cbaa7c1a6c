package station

import "context"

// AutorenewMode is what a run has to do with the renewal that a box does by itself.
type AutorenewMode string

// Modes.
const (
	AutorenewOff   AutorenewMode = ""
	AutorenewSet   AutorenewMode = "set"   // a box is told where to renew before it is sealed
	AutorenewCheck AutorenewMode = "check" // somebody else tells it; here it is looked at
)

// AutorenewPolicy is the policy of the phase autorenew.
type AutorenewPolicy struct {
	Mode     AutorenewMode
	URL      string // where a box is told to renew
	Audience string // of its tokens, where a proxy lies before the CA; empty: the URL
	// Refuse ends the run of a box that cannot renew by itself, is not set up for it or fails at it, instead of saying so.
	Refuse bool
}

func (p AutorenewPolicy) on() bool { return p.Mode != AutorenewOff }

// autorenew sees to it that the box renews its certificate by itself from now on, and that a certificate that is too short to
// lie on a shelf was let pass for that reason alone. A box that is sealed already is looked at, no more.
func (x *run) autorenew(ctx context.Context) error {
	state, err := x.ownRenewal(ctx)
	if err != nil {
		if f, ok := AsFault(err); ok && f.Class == Permanent && x.short != nil {
			return x.tooShort(err)
		}
		return err
	}
	if state == nil {
		return x.tooShort(nil)
	}
	x.fact(FactRenewalURL, printable(state.URL))
	x.fact(FactRenewalNext, stamp(state.Next))
	if x.short != nil {
		params := x.short
		params["url"] = state.URL
		x.short = nil
		x.warn(CodeCertRenews, params)
	}
	return nil
}

// ownRenewal sets the box up where that is to be done, and gives what it says of it afterwards; nil: it does not renew, and
// that was said.
func (x *run) ownRenewal(ctx context.Context) (*RenewalState, error) {
	r, sets := x.line.Line.(Renewer)
	u, tells := x.line.Line.(Unlocker)
	if !sets || !tells || !x.greet.OwnRenewal || x.greet.State == StateForeign {
		return nil, x.noRenewal(CodeRenewalMissing, CodeRenewalMissingWarn, map[string]string{"have": x.greet.Firmware})
	}
	p, fresh := x.cfg.Autorenew, !x.closed() && x.course != courseSkip
	if p.Mode == AutorenewSet && fresh {
		x.line.say("-> RENEW SET %s", p.URL)
		err := r.SetRenewal(ctx, x.enrollID, p.URL, p.Audience)
		x.line.heard(err, "RENEW SET")
		if isCode(err, CodeAgentRefuse, CodeAgentLocked, CodeAgentError) {
			f, _ := AsFault(err)
			return nil, &Fault{Code: CodeRenewalSet, Outcome: Fail, Params: map[string]string{"url": p.URL, "detail": f.Params["detail"]}, Err: err}
		}
		if err != nil {
			return nil, err
		}
	}
	field, err := u.Field(ctx)
	if err != nil {
		return nil, err
	}
	return x.judgeOwnRenewal(field.Renewal, fresh)
}

// judgeOwnRenewal holds what the box says of its renewal against the policy. One that is not sealed yet has not renewed
// anything: what it tells of failures is of a life before.
func (x *run) judgeOwnRenewal(s *RenewalState, fresh bool) (*RenewalState, error) {
	p := x.cfg.Autorenew
	if s == nil {
		s = &RenewalState{}
	}
	params := map[string]string{"device_id": x.deviceID, "have": printable(s.URL), "want": p.URL}
	switch {
	case p.Mode == AutorenewSet && fresh && s.URL != p.URL:
		return nil, &Fault{Code: CodeRenewalSet, Outcome: Fail, Params: map[string]string{
			"url": p.URL, "have": printable(s.URL), "detail": "it reads back differently",
		}}
	case s.URL == "" || p.Mode == AutorenewSet && s.URL != p.URL:
		return nil, x.noRenewal(CodeRenewalUnset, CodeRenewalUnsetWarn, params)
	case !fresh && s.Failures > 0:
		params["count"], params["reason"], params["url"] = itoa(s.Failures), printable(s.LastError), printable(s.URL)
		return nil, x.noRenewal(CodeRenewalFailing, CodeRenewalFailingWarn, params)
	}
	return s, nil
}

// noRenewal refuses a box that does not renew, or says so, as the policy wants it.
func (x *run) noRenewal(refuse, warn Code, params map[string]string) error {
	params["device_id"] = x.deviceID
	if x.cfg.Autorenew.Refuse {
		return &Fault{Code: refuse, Outcome: Fail, Params: params}
	}
	x.warn(warn, params)
	return nil
}

// shelfLife judges a certificate that has less life left than a device on a shelf needs. One of a box that renews by itself may
// be shorter: whether this box does, the phase autorenew finds out.
func (x *run) shelfLife(params map[string]string) error {
	x.short = params
	if x.mayRenewItself() {
		return nil
	}
	return x.tooShort(nil)
}

// mayRenewItself reports whether this run finds out later that the box renews by itself.
func (x *run) mayRenewItself() bool {
	return x.cfg.Autorenew.on() && x.cfg.Queue == nil && x.greet.OwnRenewal && x.greet.State != StateForeign
}

// tooShort is the shelf life's end of a run, or its word, where no renewal makes up for it. cause is why there is none.
func (x *run) tooShort(cause error) error {
	params := x.short
	switch {
	case params == nil:
		return cause
	case x.cfg.ShelfRefuse && !x.overrules(CodeCertShelfLife):
		return &Fault{Code: CodeCertShelfLife, Outcome: Fail, Params: params, Err: cause}
	}
	x.short = nil
	x.warn(CodeCertShelfWarn, params)
	return cause
}

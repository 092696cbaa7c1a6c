package station

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"provstation/station/wgcheck"
)

// proves is a way to see handshakes that ends with err.
func proves(err error) TunnelProver {
	return func(_ context.Context, _ wgcheck.Want, _ time.Duration, tell wgcheck.Progress) (wgcheck.Result, error) {
		tell(wgcheck.StepResult{Step: wgcheck.StepServer, OK: true})
		return wgcheck.Result{Way: wgcheck.ByServer, Handshake: time.Now()}, err
	}
}

// tunnelLine is a line whose device checks its tunnel by itself.
type tunnelLine struct {
	Line
	SelfChecker // nil: nobody asks for another check
	check       func(ctx context.Context) (TunnelReport, error)
}

func (l tunnelLine) CheckTunnel(ctx context.Context, _ string, _ time.Duration) (TunnelReport, error) {
	return l.check(ctx)
}

// runsTunnel makes the device one that does.
func (k *kit) runsTunnel(check func(ctx context.Context) (TunnelReport, error)) {
	k.conn.wrap = func(l Line) Line { return tunnelLine{Line: l, check: check} }
}

// Every way to fail has its code, is not left to the station's own fault, and ends the run as the table says.
func TestTunnelReasons(t *testing.T) {
	for _, reason := range wgcheck.Reasons() {
		if reason == wgcheck.Canceled {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			k := newKit(t)
			tries := 0
			k.cfg.TunnelCheck.Prove = func(ctx context.Context, w wgcheck.Want, p time.Duration, tell wgcheck.Progress) (wgcheck.Result, error) {
				tries++
				return proves(&wgcheck.Error{Way: wgcheck.ByServer, Step: wgcheck.StepPeer, Reason: reason})(ctx, w, p, tell)
			}
			row, ok := tunnelFaults[reason]
			if !ok || row.code == CodeInternal {
				t.Fatalf("%s has no code", reason)
			}
			end := wantEnd(t, k.play(), row.outcome, row.code)
			if end.Phase != PhaseWireGuard || end.Params["reason"] != string(reason) || end.Params["detail"] == "" {
				t.Errorf("%s: got phase %s, %v, want wireguard, the reason and what was seen", reason, end.Phase, end.Params)
			}
			if want := map[bool]int{true: 2, false: 1}[row.class == Passing]; tries != want {
				t.Errorf("%s: got %d tries, want %d", reason, tries, want)
			}
			if k.port("s1").count("seal") != 0 {
				t.Errorf("%s: the device was sealed", reason)
			}
		})
	}
}

func TestTunnelSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		k.cfg.TunnelCheck.Prove = proves(nil)
		events := k.play()
		wantEnd(t, events, Pass, "")
		var steps []string
		for _, e := range events {
			if p, ok := e.Body.(PhaseChanged); ok && p.Phase == PhaseWireGuard {
				steps = append(steps, string(p.Status)+p.Step)
				if p.Status == PhaseDone && (p.Facts[FactTunnelHandshake] == "" || p.Facts[FactTunnelWay] != "server") {
					t.Errorf("got facts %v, want the handshake", p.Facts)
				}
			}
		}
		if want := []string{"started", "progressserver", "done"}; !slices.Equal(steps, want) {
			t.Errorf("got %v, want %v", steps, want)
		}
	})
}

func TestTunnelByDevice(t *testing.T) {
	own := bytes.Repeat([]byte{9}, 32)
	seen := TunnelReport{OK: true, Handshake: time.Now(), Own: own, Sent: 148, Steps: []TunnelStep{{Name: "handshake", OK: true}}}
	none := TunnelReport{Reason: "no-handshake", Sent: 148, Own: own, Sentence: "nobody \x1b[31manswers"}
	why := func(reason string) TunnelReport { return TunnelReport{Reason: reason, Sent: 1, Sentence: reason} }
	tests := map[string]struct {
		report  TunnelReport
		err     error
		explain TunnelExplainer
		outcome Outcome
		code    Code
	}{
		"seen":           {report: seen, outcome: Pass},
		"no handshake":   {report: TunnelReport{OK: true, Own: own}, outcome: Error, code: CodeWGNoAnswer}, // it says so, and shows none
		"nobody answers": {report: none, outcome: Error, code: CodeWGNoAnswer},
		"and it is told why": {
			report: none, outcome: Fail, code: CodeWGPeerKey,
			explain: func(context.Context, wgcheck.Want) *wgcheck.Error {
				return &wgcheck.Error{Reason: wgcheck.WrongPeerKey}
			},
		},
		"and the server knows no more": {
			report: none, outcome: Error, code: CodeWGNoAnswer,
			explain: func(context.Context, wgcheck.Want) *wgcheck.Error {
				return &wgcheck.Error{Reason: wgcheck.NothingArrived}
			},
		},
		"nothing was sent":       {report: TunnelReport{Reason: "no-handshake", Own: own}, outcome: Error, code: CodeWGSilent},
		"the device's own fault": {err: &Fault{Code: CodeAgentError, Outcome: Fail}, outcome: Fail, code: CodeAgentError},
		"no permission":          {report: why("denied"), outcome: Fail, code: CodeWGUp},
		"no interface":           {report: why("no-interface"), outcome: Fail, code: CodeWGUp},
		"another wg0.conf":       {report: why("other-key"), outcome: Fail, code: CodeWGUp},
		"a file of no use":       {report: why("bad-config"), outcome: Fail, code: CodeWGBad},
		"unknown name":           {report: why("name-not-found"), outcome: Error, code: CodeWGName},
		"a verdict that is not the device's to give": {report: why("wrong-peer-key"), outcome: Error, code: CodeWGNoAnswer},
	}
	for name, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			k := newKit(t)
			k.cfg.TunnelCheck = TunnelCheck{ByDevice: true, Explain: tt.explain}
			k.runsTunnel(func(context.Context) (TunnelReport, error) { return tt.report, tt.err })
			e := one(t, k.play())
			if e.Outcome != tt.outcome || e.Code != tt.code {
				t.Errorf("%s: got %s %s, want %s %s", name, e.Outcome, e.Code, tt.outcome, tt.code)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // an agent of yesterday
		k := newKit(t)
		k.cfg.TunnelCheck.ByDevice = true
		wantEnd(t, k.play(), Fail, CodeWGUp)
	})
	synctest.Test(t, func(t *testing.T) { // a device that shows another key's handshake
		k := newKit(t)
		d := k.enrolled(StateSealed)
		k.ledger.keys[string(d.spki())] = KeyRecord{HardwareSerial: d.serial, SPKI: d.spki(), WireGuardKey: bytes.Repeat([]byte{7}, 32)}
		k.cfg.TunnelCheck.ByDevice = true
		k.runsTunnel(func(context.Context) (TunnelReport, error) { return seen, nil })
		wantEnd(t, k.play(), Fail, CodeWGPeerKey)
	})
}

// While the station looks, the device is told to bring its tunnel up; that ends before the line is used again.
func TestTunnelIsWoken(t *testing.T) {
	tests := map[string]struct {
		device  string // what it says; "": it waits
		line    error
		station error
		code    Code
	}{
		"both well":                    {},
		"the device knows why":         {"nothing-sent", nil, &wgcheck.Error{Reason: wgcheck.NothingArrived}, CodeWGSilent},
		"the device has no right":      {"denied", nil, &wgcheck.Error{Reason: wgcheck.NothingArrived}, CodeWGUp},
		"the station knows better":     {"denied", nil, &wgcheck.Error{Reason: wgcheck.WrongPeerKey}, CodeWGPeerKey},
		"the station sees it all same": {"no-answer", nil, nil, ""},
		"the line fails meanwhile":     {"", errors.New("line"), &wgcheck.Error{Reason: wgcheck.PeerMissing}, CodeWGPeerMissing},
	}
	for name, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			k := newKit(t)
			k.cfg.Retries = map[Phase]int{PhaseWireGuard: 0}
			busy := false
			k.runsTunnel(func(ctx context.Context) (TunnelReport, error) {
				busy = true
				if tt.device == "" && tt.line == nil {
					<-ctx.Done()
				}
				busy = false
				return TunnelReport{Reason: tt.device, Sent: 1}, tt.line
			})
			k.cfg.TunnelCheck.Prove = func(ctx context.Context, w wgcheck.Want, p time.Duration, tell wgcheck.Progress) (wgcheck.Result, error) {
				synctest.Wait()
				return proves(tt.station)(ctx, w, p, tell)
			}
			e := one(t, k.play())
			if e.Code != tt.code {
				t.Errorf("%s: got %s %s, want %s", name, e.Outcome, e.Code, tt.code)
			}
			if busy {
				t.Errorf("%s: the line is in use by two", name)
			}
		})
	}
}

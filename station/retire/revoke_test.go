package retire

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/stepca"
)

// results are what came of each request, oldest first.
func (k *kit) results() (list []string) {
	for _, r := range k.records.revocations {
		list = append(list, r.CertSerial+" "+r.Reason+" "+string(r.Result))
	}
	return list
}

func (k *kit) wantResults(want ...string) {
	k.t.Helper()
	if diff := cmp.Diff(want, k.results()); diff != "" {
		k.t.Errorf("requests on record (-want +got):\n%s", diff)
	}
}

func TestRevokeRecordsBeforeItAsks(t *testing.T) {
	k := newKit(t)
	way, err := k.retirer().Revoke(t.Context(), k.order(0))
	if err != nil || way != ByUs {
		t.Fatalf("got %q, %v, want %q", way, err, ByUs)
	}
	want := []string{"record revoke 03", "revoke 03", "record done 03"}
	if diff := cmp.Diff(want, k.log); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	r := k.records.revocations[0]
	if r.DeviceID != device || r.HardwareSerial != "HW-41" || r.Reason != "keyCompromise" || r.Text != "stolen" || r.Way != "provisioner" ||
		r.By != "Lea" || r.StationID != "station" || !slices.Equal(r.Fingerprint, []byte{3}) || !r.At.Equal(start) {
		t.Errorf("got %+v on record, want who, what and why", r)
	}
}

func TestRevokeTwice(t *testing.T) {
	k := newKit(t)
	for i, want := range []Way{ByUs, OnRecord, OnRecord} {
		if way, err := k.retirer().Revoke(t.Context(), k.order(0)); err != nil || way != want {
			t.Errorf("call %d: got %q, %v, want %q", i, way, err, want)
		}
	}
	if k.ca.asked != 1 || k.opened != 1 {
		t.Errorf("the CA was asked %d times with a key that was opened %d times, want once", k.ca.asked, k.opened)
	}
}

// What somebody else revoked counts as done, and is on record from then on.
func TestRevokedElsewhere(t *testing.T) {
	k := newKit(t)
	k.ca.revoked["03"] = stepca.Superseded
	if way, err := k.retirer().Revoke(t.Context(), k.order(0)); err != nil || way != Already {
		t.Errorf("got %q, %v, want %q", way, err, Already)
	}
	k.wantResults("03 keyCompromise found done")
	if k.records.certs[0].RevokedAt.IsZero() {
		t.Error("the certificate is not on record as revoked")
	}
}

// A lost answer is asked again by the next call, as the same request; what it finds settles it.
func TestLostAnswer(t *testing.T) {
	for _, tc := range []struct {
		name   string
		took   bool // the CA had revoked it
		reason stepca.Reason
		way    Way
		want   []string
	}{
		{"revoked, same wish", true, stepca.KeyCompromise, Already, []string{"03 keyCompromise found done"}},
		{"not revoked, same wish", false, stepca.KeyCompromise, ByUs, []string{"03 keyCompromise done"}},
		{"revoked, another reason", true, stepca.Superseded, Already, []string{"03 keyCompromise found done", "03 superseded found done"}},
		{"not revoked, another reason", false, stepca.Superseded, ByUs, []string{"03 keyCompromise found not done", "03 superseded done"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := newKit(t)
			k.ca.fail = func(int, string) (error, bool) { return unreachable, tc.took }
			_, err := k.retirer().Revoke(t.Context(), k.order(0))
			wantCode(t, err, station.CodeCADown)
			k.wantResults("03 keyCompromise ")
			if !k.records.certs[0].RevokedAt.IsZero() {
				t.Fatal("it is on record as revoked, and nobody has said so")
			}
			k.ca.fail = nil
			o := k.order(0)
			o.Reason = tc.reason
			if way, err := k.retirer().Revoke(t.Context(), o); err != nil || way != tc.way {
				t.Errorf("got %q, %v, want %q", way, err, tc.way)
			}
			k.wantResults(tc.want...)
		})
	}
}

// Every class of failure: what the CA may have heard stays open, anything else is closed with its code.
func TestRevokeFails(t *testing.T) {
	for class, want := range map[error]string{
		stepca.ErrUnreachable: "", stepca.ErrServer: "", stepca.ErrAnswer: "",
		stepca.ErrRefused: "failed: E-CA-REFUSED", stepca.ErrDenied: "failed: E-CA-DENIED", stepca.ErrPath: "failed: E-CA-PATH",
		stepca.ErrUntrusted: "failed: E-CA-TLS", stepca.ErrNoClientCert: "failed: E-CA-PROXY",
	} {
		k := newKit(t)
		k.ca.fail = func(int, string) (error, bool) {
			return &stepca.Error{Op: stepca.OpRevoke, Host: "ca", Err: class}, false
		}
		if way, err := k.retirer().Revoke(t.Context(), k.order(0)); err == nil || way != "" {
			t.Errorf("%v: got %q, %v, want an error", class, way, err)
		}
		k.wantResults("03 keyCompromise " + want)
		k.ca.fail = nil
		if way, err := k.retirer().Revoke(t.Context(), k.order(0)); err != nil || way != ByUs {
			t.Errorf("%v, then well: got %q, %v, want %q", class, way, err, ByUs)
		}
	}
}

// Without the CA's key nothing is asked and nothing is on record.
func TestRevokeWithoutKey(t *testing.T) {
	k := newKit(t)
	k.openErr = &stepca.Error{Op: stepca.OpProvisioners, Host: "ca", Err: stepca.ErrPassword}
	r := k.retirer()
	_, err := r.Revoke(t.Context(), k.order(0))
	wantCode(t, err, station.CodeCAPassword)
	if len(k.log) > 0 {
		t.Errorf("got %v, want nothing done", k.log)
	}
	k.openErr = nil // typed again
	if way, err := r.Revoke(t.Context(), k.order(0)); err != nil || way != ByUs {
		t.Errorf("got %q, %v, want %q", way, err, ByUs)
	}
}

// What cannot be recorded is an error: before the CA is asked, nothing is asked; after, it is never called done, and the next
// call finds it.
func TestRevokeRecordFails(t *testing.T) {
	for at, asked := range []int{1: 0, 2: 1} {
		if at == 0 {
			continue
		}
		k := newKit(t)
		k.records.failAt = at
		way, err := k.retirer().Revoke(t.Context(), k.order(0))
		wantCode(t, err, station.CodeLedger)
		if way != "" || k.ca.asked != asked || !errors.Is(err, errDisk) {
			t.Errorf("write %d fails: got %q, %v, the CA asked %d times, want an error and %d", at, way, err, k.ca.asked, asked)
		}
		want := ByUs
		if asked == 1 {
			want = Already
		}
		if way, err := k.retirer().Revoke(t.Context(), k.order(0)); err != nil || way != want {
			t.Errorf("write %d failed: the next call got %q, %v, want %q", at, way, err, want)
		}
	}
}

// A person who has lost patience after the CA's answer does not lose the record of it.
func TestRevokeStopped(t *testing.T) {
	k := newKit(t)
	ctx, cancel := context.WithCancel(t.Context())
	k.ca.fail = func(int, string) (error, bool) { cancel(); return nil, false }
	if way, err := k.retirer().Revoke(ctx, k.order(0)); err != nil || way != ByUs {
		t.Errorf("got %q, %v, want %q", way, err, ByUs)
	}
	k.wantResults("03 keyCompromise done")

	k = newKit(t)
	stopped := &stepca.Error{Op: stepca.OpRevoke, Host: "ca", Err: context.Canceled}
	k.ca.fail = func(int, string) (error, bool) { return stopped, false }
	if _, err := k.retirer().Revoke(t.Context(), k.order(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	k.wantResults("03 keyCompromise ") // nobody knows
}

func TestRevokeBadSerial(t *testing.T) {
	for _, bad := range []string{"", "00", "xyz", "-1"} {
		k := newKit(t)
		if _, err := k.retirer().Revoke(t.Context(), Order{Certificate: Certificate{CertSerial: bad}}); err == nil || len(k.log) > 0 {
			t.Errorf("%q: got %v and %v, want an error and nothing done", bad, err, k.log)
		}
	}
}

func (k *kit) all() (list []Order) {
	for i := range k.records.certs {
		list = append(list, k.order(i))
	}
	return list
}

func TestRevokeAllGoesOn(t *testing.T) {
	k := newKit(t)
	k.ca.fail = func(n int, serial string) (error, bool) {
		if serial == "02" {
			return refused, false
		}
		return nil, false
	}
	var told []string
	list, err := k.retirer().RevokeAll(t.Context(), k.all(), func(o Outcome) { told = append(told, o.CertSerial+" "+string(o.Way)) })
	if err != nil {
		t.Errorf("got %v, want nil: the CA works", err)
	}
	want := []string{"03 revoked", "02 ", "01 revoked", "77 revoked"}
	if diff := cmp.Diff(want, told); diff != "" || len(list) != 4 {
		t.Errorf("got %d outcomes; told (-want +got):\n%s", len(list), diff)
	}
	wantCode(t, list[1].Err, station.CodeCARefused)
	if k.opened != 1 {
		t.Errorf("the key was opened %d times, want once for all", k.opened)
	}
}

func TestRevokeAllStops(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(*kit)
		want  station.Code
	}{
		{"no CA", func(k *kit) { k.ca.fail = second(unreachable) }, station.CodeCADown},
		{"no trust", func(k *kit) { k.ca.fail = second(&stepca.Error{Err: stepca.ErrUntrusted}) }, station.CodeCATLS},
		{"no key any more", func(k *kit) { k.ca.fail = second(&stepca.Error{Err: stepca.ErrDenied}) }, station.CodeCADenied},
		{"no records", func(k *kit) { k.records.failAt = 3 }, station.CodeLedger},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := newKit(t)
			tc.spoil(k)
			list, err := k.retirer().RevokeAll(t.Context(), k.all(), nil)
			wantCode(t, err, tc.want)
			if len(list) != 4 || list[0].Way != ByUs || list[1].Err == nil || list[1].Left || !list[2].Left || !list[3].Left {
				t.Errorf("got %+v, want one revoked, one failed and two left", list)
			}
			k.ca.fail, k.records.failAt = nil, 0
			list, err = k.retirer().RevokeAll(t.Context(), k.all(), nil)
			if err != nil || slices.ContainsFunc(list, func(o Outcome) bool { return o.Way == "" }) {
				t.Errorf("the next call: got %+v, %v, want all revoked", list, err)
			}
			if len(k.ca.revoked) != 4 {
				t.Errorf("the CA has revoked %v, want all four", k.ca.revoked)
			}
		})
	}
}

// second fails from the second request on.
func second(err error) func(int, string) (error, bool) {
	return func(n int, _ string) (error, bool) {
		if n < 2 {
			return nil, false
		}
		return err, false
	}
}

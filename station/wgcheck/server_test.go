package wgcheck_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
)

func key(n byte) wgtypes.Key {
	k := wgtypes.Key{0: n << 3, 31: 64} // the lowest three bits of a private key do not count
	return k.PublicKey()
}

func prefixes(text ...string) (list []netip.Prefix) {
	for _, s := range text {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// source answers the n-th look, from 1.
type source func(n int) (wgcheck.Interface, error)

type counted struct {
	answer source
	looks  atomic.Int64
}

func (c *counted) Read(context.Context) (wgcheck.Interface, error) {
	return c.answer(int(c.looks.Add(1)))
}

func always(i wgcheck.Interface) source {
	return func(int) (wgcheck.Interface, error) { return i, nil }
}

// with is a server with these peers.
func with(peers ...wgcheck.Peer) wgcheck.Interface {
	return wgcheck.Interface{PublicKey: key(1), ListenPort: 51820, Peers: peers}
}

var device = wgcheck.Want{
	Key: key(2), Addresses: []netip.Addr{netip.MustParseAddr("10.8.1.2")}, Servers: []wgtypes.Key{key(1)},
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		good := wgcheck.Peer{PublicKey: key(2), AllowedIPs: prefixes("10.8.1.2/32"), Handshake: now, Received: 180, Sent: 92}
		edit := func(f func(*wgcheck.Peer)) wgcheck.Peer {
			p := good
			f(&p)
			return p
		}
		never := edit(func(p *wgcheck.Peer) { p.Handshake, p.Received = time.Time{}, 0 })
		old := edit(func(p *wgcheck.Peer) { p.Handshake = now.Add(-time.Hour) })
		other := edit(func(p *wgcheck.Peer) { p.PublicKey = key(3) })
		bystander := edit(func(p *wgcheck.Peer) { p.PublicKey, p.AllowedIPs = key(4), prefixes("10.8.1.3/32") })
		recent := func(w wgcheck.Want) wgcheck.Want { w.NotBefore = now.Add(-wgcheck.Alive); return w }
		const patience = 20 * time.Second
		tests := map[string]struct {
			src    source
			want   wgcheck.Want
			reason wgcheck.Reason
			step   wgcheck.Step
			after  time.Duration
		}{
			"seen at once": {always(with(bystander, good)), device, "", "", 0},
			"seen later": {func(n int) (wgcheck.Interface, error) {
				if n < 9 {
					return with(never), nil
				}
				return with(good), nil
			}, device, "", "", 2 * time.Second},
			"a server that reads its peers late": {func(n int) (wgcheck.Interface, error) {
				switch {
				case n < 5:
					return with(other), nil
				case n < 9:
					return with(never), nil
				}
				return with(good), nil
			}, device, "", "", 2 * time.Second},
			"a server that is restarted": {func(n int) (wgcheck.Interface, error) {
				if n < 5 {
					return wgcheck.Interface{}, fmt.Errorf("read: %w", fs.ErrNotExist)
				}
				return with(good), nil
			}, device, "", "", time.Second},
			"server's key is not known":  {always(with(good)), wgcheck.Want{Key: key(2)}, "", "", 0},
			"only the address is known":  {always(with(good)), wgcheck.Want{Addresses: device.Addresses}, "", "", 0},
			"neither":                    {always(with(good)), wgcheck.Want{}, wgcheck.NotIdentified, wgcheck.StepPeer, 0},
			"a recent one":               {always(with(good)), recent(device), "", "", 0},
			"wrong server key":           {always(wgcheck.Interface{PublicKey: key(9), Peers: []wgcheck.Peer{good}}), device, wgcheck.WrongServerKey, wgcheck.StepKey, 0},
			"wrong peer key":             {always(with(other)), device, wgcheck.WrongPeerKey, wgcheck.StepPeer, patience},
			"no such peer":               {always(with()), device, wgcheck.PeerMissing, wgcheck.StepPeer, patience},
			"nobody has the address":     {always(with()), wgcheck.Want{Addresses: device.Addresses}, wgcheck.PeerMissing, wgcheck.StepPeer, patience},
			"address taken by a later":   {always(with(edit(func(p *wgcheck.Peer) { p.AllowedIPs = nil }), other)), device, wgcheck.WrongAddress, wgcheck.StepPeer, patience},
			"a longer prefix elsewhere":  {always(with(edit(func(p *wgcheck.Peer) { p.AllowedIPs = prefixes("10.8.0.0/16") }), other)), device, wgcheck.WrongAddress, wgcheck.StepPeer, patience},
			"never heard of":             {always(with(never)), device, wgcheck.NothingArrived, wgcheck.StepHandshake, patience},
			"heard of an hour ago":       {always(with(old)), recent(device), wgcheck.Stale, wgcheck.StepHandshake, patience},
			"and the clock is behind":    {always(with(old)), func() wgcheck.Want { w := recent(device); w.Clock = now.Add(-2 * time.Hour); return w }(), wgcheck.ClockBehind, wgcheck.StepHandshake, patience},
			"an hour ago, clock is well": {always(with(old)), func() wgcheck.Want { w := recent(device); w.Clock = now; return w }(), wgcheck.Stale, wgcheck.StepHandshake, patience},
			"no server": {
				func(int) (wgcheck.Interface, error) { return wgcheck.Interface{}, fs.ErrNotExist },
				device, wgcheck.ServerUnreadable, wgcheck.StepServer, patience,
			},
			"no permission": {
				func(int) (wgcheck.Interface, error) { return wgcheck.Interface{}, fs.ErrPermission },
				device, wgcheck.ServerUnreadable, wgcheck.StepServer, 0,
			},
			"no interface": {func(int) (wgcheck.Interface, error) {
				_, err := wgcheck.ParseUAPI(strings.NewReader("SSH-2.0-x\n"))
				return wgcheck.Interface{}, err
			}, device, wgcheck.ServerMisanswered, wgcheck.StepServer, 0},
		}
		for name, tt := range tests {
			var told []wgcheck.StepResult
			begun := time.Now()
			r, err := wgcheck.NewServer(&counted{answer: tt.src}, nil).Watch(t.Context(), tt.want, patience, func(s wgcheck.StepResult) { told = append(told, s) })
			if took := time.Since(begun); took != tt.after {
				t.Errorf("%s: took %s, want %s", name, took, tt.after)
			}
			if got := wgcheck.ReasonOf(err); got != tt.reason {
				t.Errorf("%s: got %v, want reason %q", name, err, tt.reason)
				continue
			}
			if len(told) == 0 || len(told) != len(r.Steps) {
				t.Errorf("%s: told of %d steps, the result has %d", name, len(told), len(r.Steps))
			}
			if err == nil {
				if r.Handshake != good.Handshake || r.Received != 180 || len(told) != 3 || told[2].Step != wgcheck.StepHandshake || !told[2].OK {
					t.Errorf("%s: got %+v, want the handshake of the peer", name, r)
				}
				continue
			}
			if e, _ := errors.AsType[*wgcheck.Error](err); e.Step != tt.step || e.Way != wgcheck.ByServer || e.Hint() == "" {
				t.Errorf("%s: got %+v with hint %q, want step %s and a hint", name, e, e.Hint(), tt.step)
			}
			if last := told[len(told)-1]; last.OK || last.Step != tt.step {
				t.Errorf("%s: got last step %+v, want %s not ok", name, last, tt.step)
			}
		}
	})
}

func TestWatchIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &counted{answer: always(with())}
		s := wgcheck.NewServer(src, nil)
		for range 64 {
			go func() { _, _ = s.Watch(t.Context(), device, 10*time.Second, nil) }()
		}
		time.Sleep(11 * time.Second) //nolint:forbidigo // the bubble's clock
		if n := src.looks.Load(); n < 30 || n > 41 {
			t.Errorf("got %d looks in ten seconds for 64 devices, want one each %s", n, wgcheck.Every)
		}
	})
}

func TestWatchCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := &counted{answer: func(n int) (wgcheck.Interface, error) {
		if n == 2 {
			cancel()
		}
		return with(), nil
	}}
	_, err := wgcheck.NewServer(src, nil).Watch(ctx, device, time.Minute, nil)
	if got := wgcheck.ReasonOf(err); got != wgcheck.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

func TestExplain(t *testing.T) {
	s := wgcheck.NewServer(&counted{answer: always(with(wgcheck.Peer{PublicKey: key(2), AllowedIPs: prefixes("10.8.1.2/32"), Handshake: time.Now()}))}, nil)
	if why := s.Explain(t.Context(), device); why != nil {
		t.Errorf("got %v, want nil", why)
	}
	w := device
	w.Servers = []wgtypes.Key{key(7)}
	if why := s.Explain(t.Context(), w); why == nil || why.Reason != wgcheck.WrongServerKey {
		t.Errorf("got %v, want %s", why, wgcheck.WrongServerKey)
	}
}

func TestReasonsAreTold(t *testing.T) {
	for _, r := range wgcheck.Reasons() {
		e := &wgcheck.Error{Step: wgcheck.StepPeer, Reason: r}
		if e.Sentence() == string(r) || (e.Hint() == "" && r != wgcheck.Canceled) {
			t.Errorf("%s has no sentence or no hint", r)
		}
	}
}

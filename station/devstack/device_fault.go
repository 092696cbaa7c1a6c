package devstack

import (
	"context"
	"crypto"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/prototest"
)

// deviceFaults counts towards the faults of a device's own, over all of its boots.
type deviceFaults struct {
	answers, writes, asked atomic.Int64
}

// awayFor is how long a cable that a fault pulled stays out.
const awayFor = time.Second

// answering takes the device away, or restarts it, at the answer that its faults name. Nil: none of them does.
func (d *Device) answering(ctx context.Context) prototest.Rewriter {
	spec := d.cfg.spec
	if spec.Reset == 0 && spec.Unplug == 0 {
		return nil
	}
	return func(f serialproto.Frame, _ int, raw []byte) []byte {
		if f.Kind != serialproto.KindRsp || f.Idx != 0 {
			return raw
		}
		switch n := int(d.trouble.answers.Add(1)); n {
		case spec.Reset:
			go func() { d.told("restarts", d.Reset(ctx)) }() // the line is locked here, and power off waits for it
			return nil
		case spec.Unplug:
			go d.pull(ctx)
			return nil
		}
		return raw
	}
}

// pull pulls the cable and puts it back.
func (d *Device) pull(ctx context.Context) {
	d.told("is unplugged", d.Unplug())
	select {
	case <-ctx.Done():
		return
	case <-time.After(awayFor):
	}
	d.told("is plugged in", d.Plug(ctx))
}

func (d *Device) told(what string, err error) {
	d.cfg.log.Info("fault: virtual device "+what, "device", d.Name, "err", err)
}

// flash is asked before every operation on the device's files.
func (d *Device) flash(op, _ string) error {
	if d.cfg.spec.Flash > 0 && op == "write" && int(d.trouble.writes.Add(1)) == d.cfg.spec.Flash {
		return syscall.ENOSPC
	}
	return nil
}

var errNoRandom = errors.New("random pool is not ready")

// random says whether there are random numbers.
func (d *Device) random() error {
	if int(d.trouble.asked.Load()) < d.cfg.spec.Random {
		d.trouble.asked.Add(1)
		return errNoRandom
	}
	return nil
}

// keyStore is the device's, which takes its time where its faults say so.
func (d *Device) keyStore() agent.KeyStore {
	if d.cfg.spec.Key == 0 {
		return d.cfg.keys
	}
	if d.cfg.keys == nil {
		return slowKeys{agent.FlashKeys{}, d.cfg.spec.Key}
	}
	return slowKeys{d.cfg.keys, d.cfg.spec.Key}
}

// slowKeys is a key store that takes its time over a key.
type slowKeys struct {
	agent.KeyStore
	lasts time.Duration
}

// New makes a key.
func (k slowKeys) New(alg serialproto.Alg) (crypto.Signer, agent.Secret, error) {
	<-time.After(k.lasts)
	return k.KeyStore.New(alg)
}

// noise is what a device says that has the wrong speed: much, and no delimiter in it.
func (d *Device) noise(w io.Writer) error {
	r := rand.New(rand.NewPCG(d.cfg.line.ToHost.Faults.Seed, 0)) //nolint:gosec // the same noise for the same seed
	block := make([]byte, 1024)
	for range d.cfg.spec.Noise {
		for i := range block {
			block[i] = byte(1 + r.IntN(255))
		}
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}

package campaign_test

import (
	"context"
	"sync"
	"time"

	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/mqttcheck"
)

// How long the station waits for its neighbours: for those with faults, so that these are over soon, and for all others. What
// is slow without a fault is the machine.
const (
	bridgeTimeout  = 4 * time.Second
	brokerTimeout  = 10 * time.Second
	patientTimeout = 80 * time.Second // within the phases' own deadlines
	busyTimeout    = 150 * time.Millisecond
)

// client is the bridge's, with two patiences.
type client struct {
	site        *site
	short, long *bridge.Client

	mu        sync.Mutex
	at, asked time.Time // the bridge's clock, and when that was
}

func newClient(s *site) (*client, error) {
	c := &client{site: s}
	for _, x := range []struct {
		to      **bridge.Client
		timeout time.Duration
	}{{&c.short, bridgeTimeout}, {&c.long, patientTimeout}} {
		var err error
		*x.to, err = bridge.New(s.stack.BridgeURL, bridge.Config{Trust: bridge.TrustFile(s.stack.Root), Timeout: x.timeout})
		if err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Contract implements station.Bridge.
func (c *client) Contract(ctx context.Context) (station.Contract, error) { return c.long.Contract(ctx) }

// Enroll implements station.Bridge.
func (c *client) Enroll(ctx context.Context, contract station.Contract, r station.EnrollRequest) (station.EnrollAnswer, error) {
	if c.site.unitOf(r.DeviceID).suffers("bridge.") {
		return c.short.Enroll(ctx, contract, r)
	}
	return c.long.Enroll(ctx, contract, r)
}

// ServerTime is what the station's own clock is held against, asked for once in its life.
func (c *client) ServerTime(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		h, err := c.long.Health(ctx)
		if err != nil {
			return time.Time{}, err
		}
		c.at, c.asked = h.ServerTime, time.Now()
	}
	return c.at.Add(time.Since(c.asked)), nil
}

// Close ends both.
func (c *client) Close() {
	for _, b := range []*bridge.Client{c.short, c.long} {
		if b != nil {
			b.Close()
		}
	}
}

// prove is the broker's test, with the patience that the device's faults want.
func (s *site) prove(ctx context.Context, cfg mqttcheck.Config, id mqttcheck.Identity) (mqttcheck.Result, error) {
	if !s.unitOf(id.ClientID).suffers("broker.") {
		cfg.Timeout = patientTimeout
	}
	return mqttcheck.Check(ctx, cfg, id)
}

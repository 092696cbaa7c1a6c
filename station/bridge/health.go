package bridge

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"provstation/station"
)

// Health is what the bridge says of itself.
type Health struct {
	Status     string // "ok"
	Service    string // as "iot-bridge-api"
	ServerTime time.Time
}

// Health asks GET {base}/health. It proves that address, TLS and the way there are right, not that enrolling will work.
// Errors are *station.Fault.
func (c *Client) Health(ctx context.Context) (Health, error) {
	rep, err := c.send(ctx, http.MethodGet, c.address("health"), nil, maxAnswer, false)
	if err != nil {
		return Health{}, fmt.Errorf("bridge health: %w", err)
	}
	if rep.status != http.StatusOK {
		f := classify(rep, station.ContractDeployed)
		return Health{}, fmt.Errorf("bridge health: %w", harmless(f))
	}
	o, err := parseObject(rep.body)
	if err != nil || !rep.isJSON {
		if err == nil {
			err = fmt.Errorf("%w: it does not say that it is JSON", errAnswer)
		}
		return Health{}, fmt.Errorf("bridge health: %w", fault(station.CodeBridgeAnswer, station.Misconfigured,
			map[string]string{"status": "200", "reason": clean(err.Error())}, err))
	}
	h := Health{Status: clean(o.text("status", true)), Service: clean(o.text("service", false)), ServerTime: rep.serverTime}
	if o.err != nil {
		return Health{}, fmt.Errorf("bridge health: %w", fault(station.CodeBridgeAnswer, station.Misconfigured,
			map[string]string{"status": "200", "reason": clean(o.err.Error())}, o.err))
	}
	return h, nil
}

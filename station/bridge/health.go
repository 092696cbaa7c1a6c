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
		return Health{}, during("bridge health", err)
	}
	if rep.status != http.StatusOK {
		return Health{}, during("bridge health", classify(rep, station.ContractDeployed, false))
	}
	h, err := parseHealth(rep)
	if err != nil { // another server's answer: the base address is wrong
		return Health{}, during("bridge health", fault(station.CodeBridgeAnswer, station.Misconfigured,
			map[string]string{"status": "200", "reason": clean(err.Error())}, err))
	}
	return h, nil
}

func parseHealth(rep reply) (Health, error) {
	if !rep.isJSON || rep.encoding != "" {
		return Health{}, fmt.Errorf("%w: it is not plain JSON", errAnswer)
	}
	o, err := parseObject(rep.body)
	if err != nil {
		return Health{}, err
	}
	h := Health{Status: clean(o.Text("status", true)), Service: clean(o.Text("service", false)), ServerTime: rep.serverTime}
	if err := whyNot(o); err != nil {
		return Health{}, err
	}
	return h, nil
}

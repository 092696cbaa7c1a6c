package main

import (
	"context"

	"provstation/station"
)

// renewals is how certificates are renewed at the CA; not at all where none is configured.
func renewals(b *bench, trust station.Trust) station.Renewal {
	if b.config.PKI.StepCAURL == "" {
		return station.Renewal{}
	}
	ca := &lender{cfg: b.config, trust: trust}
	b.closes = append(b.closes, ca.close)
	return station.Renewal{
		Way: station.RenewWay(b.config.PKI.RenewBy),
		CA: func(ctx context.Context) (station.Authority, error) {
			c, err := ca.get(ctx)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
	}
}

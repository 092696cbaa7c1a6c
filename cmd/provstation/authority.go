package main

import (
	"context"
	"errors"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/retire"
	"provstation/station/stepca"
)

// authority is the way to the tenant's CA. It is gone when it is first needed: what needs no CA works without one.
type authority struct {
	app     *app
	cfg     *config.Config
	asked   *stepca.Client
	anchors station.Anchors
	device  *retire.Certificate // it asks itself, with this certificate; nil: a provisioner does
}

// client finds the CA and whom to believe that it is. The error is a *station.Fault, or the context's.
func (c *authority) client(ctx context.Context) (*stepca.Client, error) {
	if c.asked != nil {
		return c.asked, nil
	}
	if c.cfg.PKI.StepCAURL == "" {
		return nil, &station.Fault{Code: station.CodeCANone, Outcome: station.Error, Class: station.Misconfigured}
	}
	anchors, err := (&trustSource{cfg: c.cfg}).find(ctx)
	if err != nil {
		var se *stepca.Error
		if errors.As(err, &se) {
			return nil, station.CAFault(err)
		}
		return nil, trustFault(err)
	}
	client, err := caClient(ctx, c.cfg, anchors.Roots)
	if err != nil {
		return nil, station.CAFault(err)
	}
	c.asked, c.anchors = client, anchors
	return client, nil
}

// passwordTries is how often a person may type the provisioner's password.
const passwordTries = 3

// revoker opens the provisioner's key, with the password that the configuration names the place of, or a person types.
func (c *authority) revoker(ctx context.Context) (retire.Authority, error) {
	client, err := c.client(ctx)
	if err != nil {
		return nil, err
	}
	if d := c.device; d != nil {
		return &station.SelfRevoker{Visitor: visitor(c.cfg), CA: client.Revoke, DeviceID: d.DeviceID, HardwareSerial: d.HardwareSerial}, nil
	}
	name, place := c.cfg.PKI.Revoke.Provisioner, secretPlace(c.cfg.PKI.Revoke.PasswordFile, c.cfg.PKI.Revoke.PasswordEnv)
	typed := place == nil
	if typed && !interactive() {
		return nil, passwordFault("no terminal to ask for it, and pki.revoke names no place", nil)
	}
	for try := 1; ; try++ {
		if typed {
			place = func() (station.Secret, error) {
				return c.app.askSecret(ctx, "Password of the CA's provisioner"+named(name)+": ")
			}
		}
		password, err := place()
		switch {
		case errors.Is(err, context.Canceled):
			return nil, err
		case err != nil:
			return nil, passwordFault(err.Error(), err)
		}
		r, err := client.Revoker(ctx, name, stepca.NewSecret(password.Reveal()))
		if typed && errors.Is(err, stepca.ErrPassword) && try < passwordTries {
			c.app.note("The key does not open with this password.")
			continue
		}
		if err != nil {
			return nil, station.CAFault(err)
		}
		return r, nil
	}
}

func named(provisioner string) string {
	if provisioner == "" {
		return ""
	}
	return " " + plain(provisioner)
}

func passwordFault(detail string, err error) *station.Fault {
	return &station.Fault{
		Code: station.CodeCAPassword, Outcome: station.Error, Class: station.Misconfigured, Params: map[string]string{"detail": detail}, Err: err,
	}
}

// crl is the CA's list of revoked certificates.
func (c *authority) crl(ctx context.Context) (stepca.CRL, error) {
	client, err := c.client(ctx)
	if err != nil {
		return stepca.CRL{}, err
	}
	list, err := client.CRL(ctx, stepca.CRLTrust{Intermediates: c.anchors.Intermediates, Roots: c.anchors.Roots})
	return list, station.CAFault(err)
}

func (c *authority) close() {
	if c.asked != nil {
		c.asked.Close()
	}
}

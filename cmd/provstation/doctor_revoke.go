package main

import (
	"context"
	"errors"

	"provstation/station"
	"provstation/station/stepca"
)

// checkRevoke: the CA has the provisioner that certificates are revoked with, gives its key, and the password opens it.
func (d *doctor) checkRevoke(ctx context.Context) []finding {
	const name = "revoke"
	p := d.cfg.PKI
	anchors, err := d.findAnchors(ctx)
	if err != nil {
		return []finding{skipped(name, "needs the trust anchors")}
	}
	ca, err := caClient(ctx, d.cfg, anchors.Roots, timed(checkLimit*3/4, d.sys.now))
	if err != nil {
		return []finding{failed(name, revokeFix(err), "%v", err)}
	}
	defer ca.Close()
	list, err := ca.Provisioners(ctx)
	if err != nil {
		return []finding{failed(name, revokeFix(err), "%v", err)}
	}
	jwk, err := stepca.ChooseJWK(list, p.Revoke.Provisioner)
	if err != nil {
		return []finding{failed(name, revokeFix(err), "%v", err)}
	}
	if !jwk.HasKey() {
		return []finding{failed(name, "have the tenant put the provisioner's encryptedKey into ca.json, or name one that has it in pki.revoke.provisioner",
			"the CA does not give the key of provisioner %q", jwk.Name)}
	}
	found := d.tenantSecret(name, p.Revoke.PasswordFile)
	place := d.revokePassword()
	if place == nil {
		return append(found, ok(name, "the CA has provisioner %q and gives its key; its password is asked for", jwk.Name))
	}
	password, err := place()
	if err != nil {
		return append(found, failed(name, "put the password where pki.revoke says it is, readable for this user alone", "the provisioner's password cannot be read: %v", err))
	}
	if _, err := ca.Revoker(ctx, p.Revoke.Provisioner, stepca.NewSecret(password.Reveal())); err != nil {
		return append(found, failed(name, revokeFix(err), "provisioner %q: %v", jwk.Name, err))
	}
	return append(found, ok(name, "the CA has provisioner %q, and the password opens its key", jwk.Name))
}

// revokePassword reads the password where the configuration says it is; nil: a person is asked.
func (d *doctor) revokePassword() func() (station.Secret, error) {
	r := d.cfg.PKI.Revoke
	if r.PasswordEnv != "" {
		return func() (station.Secret, error) {
			return lineSecret([]byte(d.sys.getenv(r.PasswordEnv)), "$"+r.PasswordEnv)
		}
	}
	return secretPlace(r.PasswordFile, "")
}

func revokeFix(err error) string {
	switch {
	case errors.Is(err, stepca.ErrPassword):
		return "correct the password that pki.revoke names: it is the one that the provisioner was made with"
	case errors.Is(err, stepca.ErrProvisioner):
		return "name one of the CA's JWK provisioners in pki.revoke.provisioner (step ca provisioner list)"
	case errors.Is(err, stepca.ErrPath), errors.Is(err, stepca.ErrAnswer), errors.Is(err, stepca.ErrAddress):
		return "pki.step_ca_url does not name a step-ca: the path may be missing (as in https://tenant.example.com/pki)"
	}
	if fix := networkFix(err, "pki.step_ca_url", "pki.step_ca_url"); fix != "" {
		return fix
	}
	return "look at the CA's own log"
}

package main

import (
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/stationtest"
)

// The doctor looks at what revokes only where it is set up, and asks the real CA for the key.
func TestDoctorRevoke(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{Password: provisionerPassword, Extra: []string{"other"}})
	p := newPatient(t)
	has := func() bool {
		for _, c := range p.checks() {
			if c.names[0] == "revoke" {
				return true
			}
		}
		return false
	}
	p.cfg.PKI.RootFile, p.cfg.PKI.RootFingerprint, p.cfg.PKI.StepCAURL = ca.Root, "", ca.URL
	if p.cfg.PKI.Revoke = (config.Revoke{}); has() {
		t.Error("it looks at what nobody has set up")
	}
	p.cfg.PKI.Revoke.Provisioner = ca.Provisioner
	if !has() {
		t.Error("it does not look")
	}
	good, open := p.file("good.password", provisionerPassword+"\n", 0o600), p.file("open.password", provisionerPassword, 0o644)
	for _, tc := range []struct {
		revoke config.Revoke
		want   []expect
	}{
		{config.Revoke{Provisioner: ca.Provisioner}, []expect{{"revoke", checkOK, "its password is asked for", ""}}},
		{config.Revoke{Provisioner: ca.Provisioner, PasswordFile: good}, []expect{{"revoke", checkOK, "the password opens its key", ""}}},
		{config.Revoke{Provisioner: ca.Provisioner, PasswordFile: open}, []expect{
			{"revoke", checkWarn, "others may read", "chmod 600"}, {"revoke", checkOK, "the password opens its key", ""},
		}},
		{config.Revoke{Provisioner: ca.Provisioner, PasswordFile: p.file("wrong.password", "no", 0o600)}, []expect{{"revoke", checkFail, "does not open", "correct the password"}}},
		{config.Revoke{Provisioner: ca.Provisioner, PasswordFile: good + "x"}, []expect{{"revoke", checkFail, "cannot be read", "readable for this user"}}},
		{config.Revoke{Provisioner: "other"}, []expect{{"revoke", checkFail, "does not give the key", "encryptedKey"}}},
		{config.Revoke{Provisioner: "nobody"}, []expect{{"revoke", checkFail, "nobody", "provisioner list"}}},
		{config.Revoke{PasswordFile: good}, []expect{{"revoke", checkFail, "JWK", "pki.revoke.provisioner"}}}, // there are two
	} {
		p.cfg.PKI.Revoke = tc.revoke
		got := p.checkRevoke(within(t, time.Minute))
		for _, w := range tc.want {
			w.in(t, got)
		}
	}
	ca.Stop()
	p.cfg.PKI.Revoke = config.Revoke{Provisioner: ca.Provisioner}
	expect{"revoke", checkFail, "cannot be reached", "pki.step_ca_url"}.in(t, p.checkRevoke(within(t, time.Minute)))
}

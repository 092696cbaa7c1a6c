package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// unlockBench is a bench whose device wants an unlock for a new key, and whose station has the key for that.
func unlockBench(t *testing.T, tenant devstack.Config, change func(*realBench, *config.Config)) *realBench {
	t.Helper()
	tenant.Contract = devstack.Deployed
	return realBenchWith(t, tenant, "1.2", func(b *realBench, c *config.Config) {
		key, pub := filepath.Join(b.dir, "unlock.key"), filepath.Join(b.dir, "unlock.pub")
		command(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
		command(t, "openssl", "pkey", "-in", key, "-pubout", "-out", pub)
		c.Device.Unlock.KeyFile, c.Device.Unlock.PinsFile = key, pub
		if change != nil {
			change(b, c)
		}
	}, "--sign-tls12") // --reenroll unlock is the default
}

// ends is the one run's end of a command, which has to end so.
func (b *realBench) ends(outcome, code string, args ...string) event {
	b.t.Helper()
	_, events := b.does(append(args, "--timeout", "60s")...)
	end := one(b.t, events, "run-end")
	if end["outcome"] != outcome || end.text("code") != code {
		b.t.Fatalf("%v: got %v %v in %v: %v, params %v, want %s %s", args, end["outcome"], end["code"], end["phase"], end["message"], end["params"], outcome, code)
	}
	return end
}

const lifeID = "edge-sn-real-0001"

// A device's life against the real step-ca and the real mosquitto: enrolled, renewed by token and by a handshake, given a new
// key, revoked; after that nothing is renewed, and the reason is told.
func TestRealLife(t *testing.T) {
	t.Parallel()
	b := unlockBench(t, devstack.Config{}, nil)
	first := b.ends("PASS", "", "run", "--count", "1")
	b.collectSecrets()
	key, tunnel := read(t, b.file("device-key.pem")), read(t, b.file("wg0.conf"))
	seen := map[any]bool{first["cert_fingerprint"]: true}
	for _, by := range []string{"token", "mtls", "auto"} {
		end := b.ends("PASS", "", "cert", "renew", lifeID, "--by", by)
		if seen[end["cert_fingerprint"]] || end["task"] != "renew" || end["proof"] != "broker-delivered" {
			t.Errorf("renew by %s: got %v, want a new certificate, proven", by, end)
		}
		seen[end["cert_fingerprint"]] = true
		if !bytes.Equal(read(t, b.file("device-key.pem")), key) {
			t.Errorf("renew by %s changed the key", by)
		}
		b.checkDocumentedCommands()
	}
	b.ends("SKIPPED", "I-SKIPPED", "run", "--count", "1")

	end := b.ends("PASS", "", "cert", "rekey", lifeID)
	b.collectSecrets()
	if seen[end["cert_fingerprint"]] || end["task"] != "rekey" || bytes.Equal(read(t, b.file("device-key.pem")), key) {
		t.Errorf("rekey: got %v, want a new key and its certificate", end)
	}
	if !bytes.Equal(read(t, b.file("wg0.conf")), tunnel) {
		t.Error("rekey changed the tunnel")
	}
	b.checkDocumentedCommands()
	b.ends("SKIPPED", "I-SKIPPED", "run", "--count", "1")
	b.ends("PASS", "", "cert", "renew", lifeID)

	// Its Sub-CA is given up: whoever is under it and connected is enrolled anew. A name that was mistyped finds nobody.
	if got := cli(t, nil, "run", "--config", b.config, "--reenroll", "--issuer", "Nobody's CA"); got.code != exitBad || !strings.Contains(got.stderr, "no certificate by it") {
		t.Errorf("another issuer: got exit %d, %s", got.code, got.stderr)
	}
	key = read(t, b.file("device-key.pem"))
	b.ends("PASS", "", "run", "--count", "1", "--reenroll", "--issuer", "Demo Tenant Issuing CA")
	b.collectSecrets()
	if bytes.Equal(read(t, b.file("device-key.pem")), key) {
		t.Error("enrolled anew: got the old key")
	}

	// It revokes itself, borrowed across the line; the same again is done.
	for _, want := range []string{"revoked", "on-record"} {
		got := cli(t, nil, "cert", "revoke", lifeID, "--config", b.config, "--with-device", "--yes", "--json").good(t)
		b.out.WriteString(got.stdout + got.stderr)
		if !strings.Contains(got.stdout, `"result":"`+want+`"`) || !strings.Contains(got.stdout, `"brokers":"off"`) {
			t.Errorf("cert revoke --with-device: got %s, want it %s, and what brokers make of it", got.stdout, want)
		}
	}
	before := b.present()
	for _, by := range []string{"token", "mtls"} {
		end := b.ends("FAIL", "E-CA-REVOKED", "cert", "renew", lifeID, "--by", by)
		if end["phase"] != "renew" || end.text("message") == "" || end.text("hint") == "" {
			t.Errorf("renew after revoke, by %s: got %v, want it told", by, end)
		}
	}
	b.unchanged(before)

	// Out of service: what is left of it is revoked by the provisioner, and the device is emptied under an unlock.
	got := cli(t, nil, "decommission", lifeID, "--config", b.config, "--yes", "--done", "wireguard-peer", "--json").good(t)
	b.out.WriteString(got.stdout + got.stderr)
	for _, name := range []string{"device.pem", "device-key.pem", "wg0.conf", ".enrolled"} {
		if _, err := os.Stat(b.file(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after decommission: %s: got %v, want it gone", name, err)
		}
	}
	b.ends("UNCERTAIN", "E-DECOMMISSIONED", "run")
	b.checkSecrets(devstack.Deployed)
}

// present is what the device's files hold now, by the names that its own programs use.
func (b *realBench) present() map[string]string {
	b.t.Helper()
	files := map[string]string{}
	for _, name := range []string{"device.pem", "device-key.pem", "ca-chain.pem", "wg0.conf", ".enrolled"} {
		files[name] = string(read(b.t, b.file(name)))
	}
	return files
}

// unchanged checks that certificates, keys and tunnel are as they were.
func (b *realBench) unchanged(before map[string]string) {
	b.t.Helper()
	for name, text := range b.present() {
		if before[name] != text {
			b.t.Errorf("%s was changed", name)
		}
	}
}

// A certificate that has ended is not renewed: that is told apart, and the device enrolls anew under an unlock.
func TestRealExpired(t *testing.T) {
	t.Parallel()
	b := unlockBench(t, devstack.Config{Lifetime: 45 * time.Second}, func(_ *realBench, c *config.Config) {
		c.PKI.MinValidity = 0
	})
	b.ends("PASS", "", "run", "--count", "1")
	leaf := leafOf(t, b.file("device.pem"))
	wait := time.NewTimer(time.Until(leaf.NotAfter) + time.Second) // its end is a time, and nothing tells of it
	defer wait.Stop()
	select {
	case <-t.Context().Done():
		t.Fatal("the test was ended")
	case <-wait.C:
	}
	for _, args := range [][]string{{"cert", "renew", lifeID, "--by", "token"}, {"cert", "rekey", lifeID}, {"run"}} {
		if end := b.ends("FAIL", "E-CERT-EXPIRED", args...); end.text("hint") == "" {
			t.Errorf("%v: got %v, want what to do next", args, end)
		}
	}
	end := b.ends("PASS", "", "run", "--count", "1", "--reenroll")
	if fresh := leafOf(t, b.file("device.pem")); bytes.Equal(fresh.RawSubjectPublicKeyInfo, leaf.RawSubjectPublicKeyInfo) {
		t.Errorf("re-enrolled: got %v with the old key", end)
	}
}

// Behind a proxy that ends TLS a token renews; a handshake does not get through, and a new key needs the bridge: both told.
func TestRealProxy(t *testing.T) {
	t.Parallel()
	b := unlockBench(t, devstack.Config{}, func(b *realBench, c *config.Config) {
		proxy := stationtest.StartNginx(t, b.serverCert, b.serverKey, "/pki", b.caURL)
		c.PKI.StepCAURL = proxy.URL
		u, err := url.Parse(b.caURL)
		if err != nil {
			t.Fatal(err)
		}
		c.PKI.StepCAName = u.Host
	})
	b.ends("PASS", "", "run", "--count", "1")
	first := leafOf(t, b.file("device.pem"))
	end := b.ends("PASS", "", "cert", "renew", lifeID)
	if fresh := leafOf(t, b.file("device.pem")); fresh.SerialNumber.Cmp(first.SerialNumber) == 0 {
		t.Errorf("got %v, want a new certificate", end)
	}
	before := b.present()
	b.ends("ERROR", "E-CA-PROXY", "cert", "renew", lifeID, "--by", "mtls")
	b.ends("ERROR", "E-CA-PROXY", "cert", "rekey", lifeID)
	b.unchanged(before)
	b.ends("SKIPPED", "I-SKIPPED", "run", "--count", "1") // the rekey was given up
}

// An unlock key that the device was not given opens nothing, and the station says which is which before it tries.
func TestRealUnlockKeys(t *testing.T) {
	t.Parallel()
	b := unlockBench(t, devstack.Config{}, nil)
	b.ends("PASS", "", "run", "--count", "1")
	before := b.present()
	pin := filepath.Join(b.dir, "unlock.pub")
	key := filepath.Join(b.dir, "unlock.key")
	stolen := read(t, key)

	// Another bench's key.
	command(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
	if got := cli(t, nil, "run", "--config", b.config, "--count", "1", "--reenroll", "--timeout", "20s"); got.code != exitUsage {
		t.Errorf("a key that no pin is of: got exit %d (%s), want %d", got.code, got.stderr, exitUsage)
	}
	command(t, "openssl", "pkey", "-in", key, "-pubout", "-out", pin)
	b.ends("FAIL", "E-UNLOCK-REFUSED", "cert", "rekey", lifeID)
	b.ends("FAIL", "E-UNLOCK-REFUSED", "run", "--reenroll")
	b.unchanged(before)

	// The right one again: two pins, and the device keeps those it was given.
	if err := os.WriteFile(key, stolen, 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "openssl", "pkey", "-in", key, "-pubout", "-out", pin)
	b.ends("PASS", "", "cert", "rekey", lifeID)
}

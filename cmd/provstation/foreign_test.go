package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// scriptEnroll does on a box what the tenant's own enroll.sh does: key and CSR by openssl, one POST, the files, the flag.
// Whole makes the files what OpenSSL clients need; the script itself leaves the leaf alone and one CA certificate.
func scriptEnroll(t *testing.T, stack *devstack.Stack, dir, id string, whole bool) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key, csr := filepath.Join(dir, "device-key.pem"), filepath.Join(dir, "device.csr")
	command(t, "openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
	command(t, "openssl", "req", "-new", "-key", key, "-subj", "/CN="+id, "-addext", "subjectAltName=DNS:"+id, "-out", csr)
	request, err := os.ReadFile(csr)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(stack.Root)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	get := func(method, url string, body []byte) []byte {
		req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %v %s", method, url, res.StatusCode, err, b.String())
		}
		return b.Bytes()
	}
	body, err := json.Marshal(map[string]string{"csr": string(request), "device_name": id, "wg_public_key": strings.Repeat("A", 43) + "="})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Certificate string `json:"certificate"`
		CAChain     string `json:"ca_chain"`
		WireGuardIP string `json:"wireguard_ip"`
	}
	if err := json.Unmarshal(get(http.MethodPost, stack.BridgeURL+"/devices/"+id+"/enroll", body), &answer); err != nil {
		t.Fatal(err)
	}
	device, ca := answer.Certificate, answer.CAChain
	if whole {
		cas := string(get(http.MethodGet, stack.StepCAURL+"/intermediates.pem", nil))
		device, ca = device+cas, cas+string(root)
	}
	for name, text := range map[string]string{"device.pem": device, "ca-chain.pem": ca, ".enrolled": answer.WireGuardIP + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A box that the tenant's own script enrolled is recognised, proven with its own key where its files allow that, and never
// given another key.
func TestScriptEnrolledBox(t *testing.T) {
	for _, c := range []struct {
		name    string
		whole   bool
		outcome string
		code    string
	}{
		{"whole files", true, "PASS", ""},
		{"the script's files", false, "UNCERTAIN", "E-ID-FOREIGN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &realBench{t: t, dir: t.TempDir()}
			stack, err := devstack.Start(t.Context(), devstack.Config{StateDir: filepath.Join(b.dir, "tenant")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = stack.Close() })
			b.files = filepath.Join(b.dir, "device")
			scriptEnroll(t, stack, b.files, "edge-sn-script-1", c.whole)
			posts, before := stack.Bridge.Posts(), leafOf(t, b.file("device.pem"))
			key, err := os.ReadFile(b.file("device-key.pem"))
			if err != nil {
				t.Fatal(err)
			}
			b.socat = stationtest.StartSocat(t)
			b.agent = stationtest.Start(t, binary(t, "provagent"), "serve", "--tty", b.socat.Device, "--state-dir", b.files,
				"--serial", "SN-SCRIPT-1", "--sign-tls12")
			cfg := stackConfig(stack, devstack.Config{StateDir: b.dir, Baud: 115200})
			cfg.Ports.Include = []string{b.socat.Station}
			cfg.Ports.Slots = map[string]string{b.socat.Station: "left"}
			b.config = filepath.Join(b.dir, "station.yaml")
			if err := config.WriteFile(b.config, cfg); err != nil {
				t.Fatal(err)
			}
			_, events := b.run("--count", "0")
			end := one(t, events, "run-end")
			if end["outcome"] != c.outcome || fmt.Sprint(end["code"]) != c.code && c.code != "" {
				t.Fatalf("got %v %v (%v, %v), want %s %s", end["outcome"], end["code"], end["message"], end["params"], c.outcome, c.code)
			}
			if stack.Bridge.Posts() != posts {
				t.Errorf("got %d posts, want %d: the box has a certificate", stack.Bridge.Posts(), posts)
			}
			after, err := os.ReadFile(b.file("device-key.pem"))
			if err != nil || !bytes.Equal(after, key) || !leafOf(t, b.file("device.pem")).Equal(before) {
				t.Errorf("the box's key or certificate was changed (%v)", err)
			}
			if c.outcome == "PASS" {
				b.expect("SKIPPED")
			}
		})
	}
}

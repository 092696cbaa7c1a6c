package main

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"provstation/station/devstack"
)

// renewCase is a place to die at while a device is renewed or rekeyed.
type renewCase struct {
	task, at string
	skipped  bool // afterwards the device is what the ledger proves: as before, or finished
	sameKey  bool
}

func renewCases() (list []renewCase) {
	add := func(task string, skipped, sameKey bool, at ...string) {
		for _, a := range at {
			list = append(list, renewCase{task, a, skipped, sameKey})
		}
	}
	const asBefore, anew = true, false
	add("renew", asBefore, true, "run.begun", "identify.recorded", "assign.recorded", "enroll.intended", "enroll.answered", "enroll.journaled",
		"renew.recorded", "verify.saved", "verify.recorded", "install.intended")
	add("renew", anew, true, "install.done", "install.recorded", "readback.recorded", "mqtt.proven", "mqtt.recorded", "seal.adopted",
		"record.begun")
	add("renew", asBefore, true, "seal.recorded", "record.done", "record.goodbye")
	add("rekey", asBefore, true, "make-key.intended")
	add("rekey", anew, false, "make-key.done", "csr.bound", "enroll.intended", "enroll.answered", "enroll.journaled", "renew.recorded", "install.done",
		"mqtt.proven", "seal.intended", "seal.done")
	add("rekey", asBefore, false, "record.done")
	return list
}

// A station that is killed while it renews or rekeys leaves a device that the next ordinary run finishes: with the certificate
// that it had, or the new one; every certificate that the CA has issued is on file or possibly issued, and a renewal works then.
func TestRenewalKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills some thirty stations")
	}
	cases := renewCases()
	b := newCrashBench(t, len(cases))
	var plain []crashCase
	for _, c := range cases {
		plain = append(plain, crashCase{at: c.at})
	}
	all := b.config("all", nil)
	run := func(args ...string) map[string]event {
		ends := map[string]event{}
		for _, e := range ofType(cli(t, nil, append(args, "--json", "--config", all, "--timeout", "120s")...).events(t), "run-end") {
			ends[e.text("slot")] = e
		}
		return ends
	}
	count := []string{"run", "--count", strconv.Itoa(len(cases))}
	run(count...)
	before := map[string][]string{}
	for _, d := range b.stack.Devices {
		before[d.Name] = keysBelow(t, filepath.Join(b.dir, "devices", d.Name))
	}
	task := map[string]renewCase{}
	for i, c := range cases {
		task[b.stack.Devices[i].Name] = c
	}
	b.everyone(plain, func(c crashCase, d *devstack.Device) {
		b.dieAt(d, c.at, nil, "cert", task[d.Name].task, "edge-"+strings.ToLower(d.Serial))
	})
	if t.Failed() {
		return
	}
	ends := run(count...)
	for i, c := range cases {
		d := b.stack.Devices[i]
		name, end, outcome := c.task+" "+c.at, ends[d.Name], "PASS"
		if c.skipped {
			outcome = "SKIPPED"
		}
		if end["outcome"] != outcome {
			t.Errorf("%s: got %v %v in %v, want %s: %v", name, end["outcome"], end["code"], end["phase"], outcome, end)
			continue
		}
		b.checkRenewed(name, d, end, c.sameKey, before[d.Name])
	}
	if t.Failed() {
		return
	}
	for slot, end := range run("cert", "renew", "--all") {
		if end["outcome"] != "PASS" || end["task"] != "renew" {
			t.Errorf("renewed afterwards: %s: got %v %v", slot, end["outcome"], end["code"])
		}
	}
	checkLedger(t, filepath.Join(b.dir, "ledger.db"))
	for table, query := range map[string]string{
		"runs": "SELECT count(*) FROM runs WHERE outcome IS NULL", "intents": "SELECT count(*) FROM intents WHERE result IS NULL",
	} {
		if n := b.rows(query); n != 0 {
			t.Errorf("got %d open %s, want none", n, table)
		}
	}
}

// checkRenewed compares the device's files, the CA's own list and the ledger.
func (b *crashBench) checkRenewed(name string, d *devstack.Device, end event, sameKey bool, before []string) {
	t := b.t
	t.Helper()
	dir := filepath.Join(b.dir, "devices", d.Name)
	leaf := leafOf(t, filepath.Join(dir, "device.pem"))
	if fp := hex.EncodeToString(sumOf(leaf.Raw)); fp != end["cert_fingerprint"] {
		t.Errorf("%s: the device holds %s, the run says %v", name, fp, end["cert_fingerprint"])
	}
	key := hex.EncodeToString(sumOf(read(t, filepath.Join(dir, "device-key.pem"))))
	if old := slices.Contains(before, key); old != sameKey {
		t.Errorf("%s: the device has the key that it had: %t, want %t", name, old, sameKey)
	}
	issued, known := 0, 0
	for _, serial := range b.caList(end.text("device_id")) {
		issued++
		known += b.rows("SELECT count(*) FROM certificates WHERE cert_serial = ?", serial)
	}
	possibly := b.rows("SELECT count(*) FROM posts WHERE device_id = ? AND state IN ('open', 'unknown')", end.text("device_id"))
	if issued > known+possibly || known < 1 {
		t.Errorf("%s: the CA signed %d, %d of them on file, %d possibly issued", name, issued, known, possibly)
	}
	t.Logf("%-22s %s: %d signed, %d on file, %d possibly issued", name, end["outcome"], issued, known, possibly)
}

// caList is the serial numbers of what the CA itself has on file as issued for a name, as the ledger writes them.
func (b *crashBench) caList(subject string) (serials []string) {
	b.t.Helper()
	var book struct {
		Issued map[string]struct {
			Subject string `json:"subject"`
		} `json:"issued"`
	}
	if err := json.Unmarshal(read(b.t, filepath.Join(b.dir, "tenant", "step-ca.json")), &book); err != nil {
		b.t.Fatal(err)
	}
	for decimal, c := range book.Issued {
		if n, ok := new(big.Int).SetString(decimal, 10); ok && c.Subject == subject {
			serials = append(serials, hex.EncodeToString(n.Bytes()))
		}
	}
	return serials
}

package station

import (
	"slices"
	"testing"
)

// TestKeyStorePolicy: where the key has to be kept, for new keys and for those that a device has. Nothing is asked of the
// bridge, and nothing of the broker, for a key that is elsewhere.
func TestKeyStorePolicy(t *testing.T) {
	chip := []string{KeyStoreSE, KeyStoreTEE}
	// sealed is an enrolled device whose key is on record in a store.
	sealed := func(k *kit, state DeviceState, store string) *fakeDevice {
		d := k.enrolled(state)
		k.knows(d)
		k.ledger.keys[string(d.spki())] = KeyRecord{HardwareSerial: "SN-1", SPKI: d.spki(), KeyStore: store}
		return d
	}
	rows := []struct {
		name  string
		want  []string
		set   func(k *kit)
		end   Outcome
		code  Code
		have  string
		posts int
	}{
		{"no policy, flash", nil, func(*kit) {}, Pass, "", "", 1},
		{"chip wanted, flash", chip, func(*kit) {}, Fail, CodeKeyStore, "flash", 0},
		{"chip wanted, secure element", chip, func(k *kit) { k.dev().keyStore = KeyStoreSE }, Pass, "", "", 1},
		{"chip wanted, TEE", chip, func(k *kit) { k.dev().keyStore = KeyStoreTEE }, Pass, "", "", 1},
		{"secure element wanted, TEE", chip[:1], func(k *kit) { k.dev().keyStore = KeyStoreTEE }, Fail, CodeKeyStore, "tee", 0},
		{"flash wanted, secure element", []string{KeyStoreFlash}, func(k *kit) { k.dev().keyStore = KeyStoreSE }, Fail, CodeKeyStore, "secure-element", 0},
		{"chip wanted, the device names a store that is not known", chip, func(k *kit) { k.dev().keyStore = "vault" }, Fail, CodeKeyStore, "vault", 0},
		{"chip wanted, a key made before", chip, func(k *kit) { k.enrolled(StateKeyed) }, Fail, CodeKeyStore, "flash", 0},
		{"chip wanted, a key made before, in a chip", chip, func(k *kit) { k.enrolled(StateKeyed).keyStore = KeyStoreSE }, Pass, "", "", 1},

		{"no policy, sealed, store not on record", nil, func(k *kit) { k.knows(k.enrolled(StateSealed)) }, Skipped, CodeSkipped, "", 0},
		{"sealed, PASS, secure element on record", chip, func(k *kit) { sealed(k, StateSealed, KeyStoreSE) }, Skipped, CodeSkipped, "", 0},
		{"sealed, PASS, flash on record", chip, func(k *kit) { sealed(k, StateSealed, KeyStoreFlash) }, Fail, CodeKeyStore, "flash", 0},
		{"sealed, PASS, store not on record", chip, func(k *kit) { sealed(k, StateSealed, "") }, Uncertain, CodeKeyStore, "unknown", 0},
		{"sealed, PASS, key not on record", chip, func(k *kit) { k.knows(k.enrolled(StateSealed)) }, Uncertain, CodeKeyStore, "unknown", 0},
		// What the device says now of its store is not what it said of this key.
		{"sealed, unknown, says secure element", chip, func(k *kit) { k.enrolled(StateSealed).keyStore = KeyStoreSE }, Uncertain, CodeKeyStore, "unknown", 0},
		{"sealed, a new key asked for", chip, func(k *kit) {
			sealed(k, StateSealed, KeyStoreFlash).keyStore = KeyStoreSE
			k.cfg.Reenroll = true
		}, Pass, "", "", 1},
		{"sealed, a new key asked for, flash again", chip, func(k *kit) {
			sealed(k, StateSealed, KeyStoreFlash)
			k.cfg.Reenroll = true
		}, Fail, CodeKeyStore, "flash", 0},
		{"foreign", chip, func(k *kit) { k.enrolled(StateForeign) }, Uncertain, CodeKeyStore, "unknown", 0},
		{"foreign, adopted before", chip, func(k *kit) { sealed(k, StateForeign, "") }, Uncertain, CodeKeyStore, "unknown", 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.cfg.KeyStores = row.want
				row.set(k)
				active := k.dev().active
				e := wantEnd(t, k.play(), row.end, row.code)
				if k.bridge.posts != row.posts || (row.end != Pass && k.prover.tests > 0) {
					t.Errorf("got %d posts, %d broker tests, want %d and none", k.bridge.posts, k.prover.tests, row.posts)
				}
				if row.code == CodeKeyStore && (e.Params["have"] != row.have || e.Params["want"] == "" || e.Params["hardware_serial"] != "SN-1") {
					t.Errorf("got %v, want it to say %q and what is required", e.Params, row.have)
				}
				if row.code == CodeKeyStore && k.dev().active != active {
					t.Error("the device was left with another key in use")
				}
			})
		})
	}
}

// TestKeyStoreOfRenewal: a certificate is not renewed for a key that is not where it has to be; a new key may replace it.
func TestKeyStoreOfRenewal(t *testing.T) {
	for _, tt := range []struct {
		task    Task
		record  string
		now     string
		outcome Outcome
	}{
		{TaskRenew, KeyStoreSE, "", Pass},
		{TaskRenew, KeyStoreFlash, "", Fail},
		{TaskRenew, "", "", Uncertain},
		{TaskRekey, KeyStoreFlash, KeyStoreSE, Pass},
		{TaskRekey, KeyStoreFlash, KeyStoreFlash, Fail},
	} {
		t.Run(string(tt.task)+" "+tt.record+" "+tt.now, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, d, ca := renewKit(t, tt.task)
				k.cfg.KeyStores = []string{KeyStoreSE}
				d.keyStore = tt.now
				rec := k.ledger.keys[string(d.spki())]
				rec.HardwareSerial, rec.SPKI, rec.KeyStore = d.serial, d.spki(), tt.record
				k.ledger.keys[string(d.spki())] = rec
				code := CodeKeyStore
				if tt.outcome == Pass {
					code = ""
				}
				wantEnd(t, k.play(), tt.outcome, code)
				if (len(ca.asks) > 0) != (tt.outcome == Pass) {
					t.Errorf("the CA was asked by %q", ca.asks)
				}
			})
		})
	}
}

// A device that is held for its key's store is released by a new key, not by a decision to keep it.
func TestDecisionsForKeyStore(t *testing.T) {
	got := DecisionsFor(CodeKeyStore, StateSealed, true)
	if slices.Contains(got, DecisionKeep) || !slices.Contains(got, DecisionReenroll) {
		t.Errorf("got %v, want no way to keep the key", got)
	}
}

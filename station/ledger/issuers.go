package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// IssuerFilter chooses a CA, by what is set of it. Where several are set, whatever fits one of them fits.
type IssuerFilter struct {
	Tenant      string
	Name        string // its distinguished name as it is on file, or the CN of that; without regard to case
	AKI         string // its key: the authority key id of what it issues, hex
	Fingerprint string // SHA-256 of its certificate, hex
}

// IssuerOf is the filter for what a person wrote: a name, or hex of one of the two, with or without colons.
func IssuerOf(tenant, text string) IssuerFilter {
	f := IssuerFilter{Tenant: tenant, Name: strings.TrimSpace(text)}
	digits := hexDigits(text)
	if b, err := hex.DecodeString(digits); err == nil && len(b) > 0 {
		f.AKI = digits
		if len(b) == 32 {
			f.Fingerprint = digits
		}
	}
	return f
}

// UnderIssuer is how far the devices of a CA have come away from it.
type UnderIssuer struct {
	Devices []DeviceUnder // whose present certificate is by the CA, by device id
	Left    int           // of them, in service: to be reached
	Moved   int           // devices that worked with a certificate by the CA and work with another CA's now
	Known   bool          // a certificate by the CA is on file
	// Keys are the CA keys that were found, in order: several where a name is that of several CAs.
	Keys []string
}

// DeviceUnder is a device with its present certificate.
type DeviceUnder struct {
	Tenant, DeviceID, HardwareSerial string
	Fingerprint                      []byte // SHA-256
	CertSerial                       string // lower-case hex
	Issuer, AKI, IssuerFingerprint   string
	NotAfter                         time.Time
	LastSeen                         time.Time // when its last run began
	Revoked                          bool
	Retired                          bool // it is out of service: nobody will plug it in
}

// Row is the object that an export would write for it, for a program that writes more around it.
func (d DeviceUnder) Row() ([]byte, error) {
	return rowJSON([]value{
		{"device_id", d.DeviceID},
		{"hardware_serial", d.HardwareSerial},
		{"cert_serial", d.CertSerial},
		{"cert_fingerprint", hex.EncodeToString(d.Fingerprint)},
		{"issuer", d.Issuer},
		{"authority_key_id", d.AKI},
		{"issuer_fingerprint", d.IssuerFingerprint},
		{"not_after", timeText(d.NotAfter)},
		{"last_seen", timeText(d.LastSeen)},
		{"revoked", d.Revoked},
		{"out_of_service", d.Retired},
		{"tenant", d.Tenant},
	})
}

// DevicesUnder lists the devices of a tenant that work with a certificate by the CA, and counts those that did and have
// another one by now. What a device renewed by itself is on file only when it was connected since.
//
// ErrInvalid: no tenant, or nothing to know the CA by.
func (l *Ledger) DevicesUnder(ctx context.Context, f IssuerFilter) (UnderIssuer, error) {
	err := need(field{"tenant", f.Tenant})
	if err == nil && f.Name == "" && f.AKI == "" && f.Fingerprint == "" {
		err = fmt.Errorf("%w: no issuer", ErrInvalid)
	}
	var out UnderIssuer
	if err == nil {
		out, err = l.devicesUnder(ctx, f)
	}
	return out, l.wrap(err, "devices under issuer", f.Name+f.AKI+f.Fingerprint)
}

func (l *Ledger) devicesUnder(ctx context.Context, f IssuerFilter) (out UnderIssuer, err error) {
	ca, err := l.caOf(ctx, f)
	by, args := ca.cond("i")
	if err != nil || by == "" {
		return out, err
	}
	// All certificates of the devices that ever had one by the CA: the newest present one of each is at work on it.
	rows, err := query(ctx, l, scanUnder, `SELECT c.tenant, coalesce(d.device_id, c.device_id), c.hardware_serial, c.fingerprint,
		c.cert_serial, c.issuer, c.aki, c.issuer_fingerprint, c.not_after, c.revoked_at IS NOT NULL, `+retired+`,
		(SELECT max(l.started_at) FROM runs l WHERE l.tenant = c.tenant AND l.hardware_serial = c.hardware_serial), `+present+`, `+shown+`
		FROM certificates c JOIN devices d ON d.tenant = c.tenant AND d.hardware_serial = c.hardware_serial
		WHERE c.tenant = ? AND c.hardware_serial IN (SELECT i.hardware_serial FROM certificates i WHERE i.tenant = ? AND `+by+`)
		ORDER BY c.hardware_serial, c.received_at DESC, c.fingerprint`, append([]any{f.Tenant, f.Tenant}, args...)...)
	if err != nil {
		return out, err
	}
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r underRow) bool { return r.HardwareSerial != rows[0].HardwareSerial })
		if n < 0 {
			n = len(rows)
		}
		out.add(rows[:n], ca)
		rows = rows[n:]
	}
	slices.SortStableFunc(out.Devices, func(a, b DeviceUnder) int { return strings.Compare(fold(a.DeviceID), fold(b.DeviceID)) })
	slices.Sort(out.Keys)
	return out, nil
}

// underRow is a certificate of a device that ever had one by the CA.
type underRow struct {
	DeviceUnder
	present, shown bool
}

func scanUnder(scan func(...any) error) (r underRow, err error) {
	var after, seen sql.NullInt64
	err = scan(&r.Tenant, &r.DeviceID, &r.HardwareSerial, &r.Fingerprint, &r.CertSerial, &r.Issuer, &r.AKI, &r.IssuerFingerprint, &after,
		&r.Revoked, &r.Retired, &seen, &r.present, &r.shown)
	r.NotAfter, r.LastSeen = fromMicros(after), fromMicros(seen)
	return r, err
}

// add takes in the certificates of one device, newest first.
func (u *UnderIssuer) add(certs []underRow, by ca) {
	worked := false
	for _, c := range certs {
		if !by.issued(c.DeviceUnder) {
			continue
		}
		u.Known = true
		worked = worked || c.shown
		if c.AKI != "" && !slices.Contains(u.Keys, c.AKI) {
			u.Keys = append(u.Keys, c.AKI)
		}
	}
	i := slices.IndexFunc(certs, func(c underRow) bool { return c.present })
	switch {
	case i < 0: // nothing works on it
	case by.issued(certs[i].DeviceUnder):
		u.Devices = append(u.Devices, certs[i].DeviceUnder)
		if !certs[i].Retired {
			u.Left++
		}
	case worked:
		u.Moved++
	}
}

// ca is what a CA is known by on file.
type ca struct {
	names            []string // distinguished, as they are on file
	key, fingerprint string
}

// caOf looks up under which names the CA is on file: they are few, and which of them has the CN no database can say.
func (l *Ledger) caOf(ctx context.Context, f IssuerFilter) (ca, error) {
	c := ca{key: hexDigits(f.AKI), fingerprint: hexDigits(f.Fingerprint)}
	if f.Name == "" {
		return c, nil
	}
	names, err := query(ctx, l, func(scan func(...any) error) (s string, err error) { return s, scan(&s) },
		"SELECT DISTINCT issuer FROM certificates WHERE tenant = ?", f.Tenant)
	for _, name := range names {
		if strings.EqualFold(name, f.Name) || strings.EqualFold(commonName(name), f.Name) {
			c.names = append(c.names, name)
		}
	}
	return c, err
}

// hexDigits is hex as the ledger spells it.
func hexDigits(text string) string { return fold(strings.NewReplacer(":", "", " ", "").Replace(text)) }

// cond is the condition on a certificate that the CA has issued it; empty: it is none that is on file.
func (c ca) cond(table string) (cond string, args []any) {
	var conds []string
	if len(c.names) > 0 {
		conds = append(conds, table+".issuer IN (?"+strings.Repeat(", ?", len(c.names)-1)+")")
		for _, n := range c.names {
			args = append(args, n)
		}
	}
	for _, one := range []struct{ column, value string }{{"aki", c.key}, {"issuer_fingerprint", c.fingerprint}} {
		if one.value != "" {
			conds, args = append(conds, table+"."+one.column+" = ?"), append(args, one.value)
		}
	}
	if len(conds) == 0 {
		return "", nil
	}
	return "(" + strings.Join(conds, " OR ") + ")", args
}

// issued is cond for a certificate that was read.
func (c ca) issued(d DeviceUnder) bool {
	return slices.Contains(c.names, d.Issuer) || c.key != "" && d.AKI == c.key || c.fingerprint != "" && d.IssuerFingerprint == c.fingerprint
}

// commonName is the CN of a distinguished name as text (RFC 4514); empty: it has none.
func commonName(dn string) string {
	for rest, more := dn, true; more; {
		var part string
		part, rest, more = cutName(rest)
		if name, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(name), "CN") {
			return unescapeName(strings.TrimSpace(value))
		}
	}
	return ""
}

// cutName cuts the first attribute off a distinguished name, at a comma, semicolon or plus that is not escaped.
func cutName(dn string) (first, rest string, more bool) {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',', ';', '+':
			return dn[:i], dn[i+1:], true
		}
	}
	return dn, "", false
}

// unescapeName takes the backslashes off a value: before a character, or before the two hex digits of a byte.
func unescapeName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if code, err := hex.DecodeString(s[i+1 : min(i+3, len(s))]); err == nil && len(code) == 1 {
			b.WriteByte(code[0])
			i += 2
			continue
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}

package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"provstation/station"
)

var (
	_ station.Queue      = (*Ledger)(nil)
	_ station.RelayQueue = (*Ledger)(nil)
)

// Superseded is why a request was dropped that nobody dropped.
const Superseded = "superseded"

// runAsking is how long a run that is posting keeps a relay from posting the same request: longer than its phase may take by any
// sensible configuration.
const runAsking = 15 * time.Minute

// Collect puts a request into the queue, or leaves it in its place. The key must be on file (BindKey).
func (l *Ledger) Collect(ctx context.Context, c station.QueuedRequest) error {
	err := need(field{"run", c.Run}, field{"tenant", c.Tenant}, field{"hardware serial", c.HardwareSerial},
		field{"device id", c.DeviceID})
	if err == nil {
		err = errors.Join(digest("spki", c.SPKI, false), digest("wireguard key", c.WireGuardKey, true))
	}
	switch {
	case err != nil:
	case len(c.CSR) < 2 || c.CSR[0] != 0x30 || len(c.CSR) > maxDER:
		err = fmt.Errorf("%w: request is not DER", ErrInvalid)
	case c.At.IsZero():
		err = fmt.Errorf("%w: no time", ErrInvalid)
	default:
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error { return t.collect(ctx, c) })
	}
	return l.wrap(err, "collect request of device", c.DeviceID)
}

func (t *txn) collect(ctx context.Context, c station.QueuedRequest) error {
	run, err := t.runOf(ctx, c.Run, c.Tenant)
	if err != nil {
		return err
	}
	if err := run.about(c.HardwareSerial); err != nil {
		return err
	}
	key, found, err := t.key(ctx, c.SPKI)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("key: %w", station.ErrNotFound)
	case key.Tenant != c.Tenant || key.HardwareSerial != c.HardwareSerial || key.DeviceID != c.DeviceID:
		return fmt.Errorf("%w: the key is another device's", ErrConflict)
	}
	if err := t.supersede(ctx, c.Tenant, c.HardwareSerial, c.SPKI, c.At); err != nil {
		return err
	}
	// What is on its way or done stays so; what was dropped, or has not been asked for yet, is taken as it is now.
	_, err = t.exec(ctx, `INSERT INTO collected (tenant, spki, hardware_serial, device_id, device_id_fold, device_name, csr,
		wireguard_key, enroll_id, generation, contract, run, collected_at, state, next_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)
		ON CONFLICT (tenant, spki) DO UPDATE SET device_name = excluded.device_name, csr = excluded.csr,
			wireguard_key = excluded.wireguard_key, contract = excluded.contract, run = excluded.run,
			collected_at = excluded.collected_at, state = 'waiting', tries = 0, code = '', params = '{}', reason = '',
			next_at = excluded.next_at, updated_at = excluded.updated_at
		WHERE collected.state = 'dropped' OR (collected.state = 'waiting' AND collected.tries = 0)`,
		c.Tenant, c.SPKI, c.HardwareSerial, c.DeviceID, fold(c.DeviceID), free(c.DeviceName), c.CSR, blob(c.WireGuardKey),
		enrollID(c.EnrollID), int64(c.Generation), free(string(c.Contract)), c.Run, micros(c.At), micros(c.At), micros(c.At))
	return err
}

// supersede drops the requests of the hardware for keys that it has no more.
func (t *txn) supersede(ctx context.Context, tenant, hardwareSerial string, spki []byte, at time.Time) error {
	_, err := t.exec(ctx, `UPDATE collected SET state = 'dropped', reason = ?, claim = '', claimed_by = '', claimed_until = NULL,
		updated_at = ? WHERE tenant = ? AND hardware_serial = ? AND spki <> ? AND state NOT IN ('installed', 'dropped')`,
		Superseded, micros(at), tenant, hardwareSerial, spki)
	return err
}

// relayed notes that a device with a collected request holds its certificate.
func (t *txn) relayed(ctx context.Context, e station.RunFinish) error {
	if (e.Outcome != station.Pass && e.Outcome != station.Installed) || len(e.SPKI) == 0 || e.HardwareSerial == "" {
		return nil
	}
	_, err := t.exec(ctx, `UPDATE collected SET state = 'installed', code = '', params = '{}', leaf = ?, not_after = ?, claim = '',
		claimed_by = '', claimed_until = NULL, updated_at = ? WHERE tenant = ? AND spki = ? AND hardware_serial = ?`,
		blob(e.Leaf), micros(e.NotAfter), micros(e.EndedAt), e.Tenant, e.SPKI, e.HardwareSerial)
	if err != nil {
		return err
	}
	return t.supersede(ctx, e.Tenant, e.HardwareSerial, e.SPKI, e.EndedAt)
}

// notRelayed refuses a post of a request that a relay has in hand just now.
func (t *txn) notRelayed(ctx context.Context, p station.Post) error {
	var by string
	found, err := t.one(ctx, `SELECT claimed_by FROM collected WHERE tenant = ? AND spki = ? AND state = 'posted' AND run <> ?
		AND claimed_until > ?`, []any{p.Tenant, p.SPKI, p.Run, micros(p.At)}, &by)
	if err == nil && found {
		err = fmt.Errorf("%w (station %s)", station.ErrRelaying, by)
	}
	return err
}

const queueColumns = `c.run, c.tenant, c.device_id, c.device_name, c.hardware_serial, c.spki, c.csr, c.wireguard_key, c.enroll_id,
	c.generation, c.contract, c.collected_at, c.state, c.tries, c.next_at, c.code, c.params, c.reason, c.leaf, c.not_after,
	c.claimed_by, c.claimed_until, c.updated_at`

func scanQueued(scan func(...any) error) (station.QueuedRequest, error) {
	var c station.QueuedRequest
	var enroll []byte
	var at, next, notAfter, until, updated sql.NullInt64
	var params string
	err := scan(&c.Run, &c.Tenant, &c.DeviceID, &c.DeviceName, &c.HardwareSerial, &c.SPKI, &c.CSR, &c.WireGuardKey, &enroll,
		&c.Generation, &c.Contract, &at, &c.State, &c.Tries, &next, &c.Code, &params, &c.Reason, &c.Leaf, &notAfter,
		&c.ClaimBy, &until, &updated)
	if err != nil {
		return station.QueuedRequest{}, err
	}
	copy(c.EnrollID[:], enroll)
	c.At, c.NextAt, c.NotAfter, c.Until, c.Updated = fromMicros(at), fromMicros(next), fromMicros(notAfter), fromMicros(until),
		fromMicros(updated)
	if c.Params, err = fromJSON(params); err != nil {
		return station.QueuedRequest{}, err
	}
	return c, nil
}

// ClaimCollected takes the request that is due longest and makes it this claim's, until its time is up. One whose own run is
// asking the bridge just now is left alone.
func (l *Ledger) ClaimCollected(ctx context.Context, r station.RelayClaim) (station.QueuedRequest, error) {
	var c station.QueuedRequest
	err := need(field{"tenant", r.Tenant}, field{"claim", r.ID}, field{"station", r.By})
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) (err error) {
			c, err = t.claim(ctx, r)
			return err
		})
	}
	if err != nil {
		return station.QueuedRequest{}, l.wrap(err, "claim a collected request for", r.By)
	}
	return c, nil
}

// queueDue finds the request that is due longest, unless its own run is asking just now.
const queueDue = "SELECT " + queueColumns + ` FROM collected c WHERE c.tenant = ?
	AND ((c.state = 'waiting' AND (c.next_at <= ? OR c.updated_at < ?)) OR (c.state = 'posted' AND c.claimed_until <= ?))
	AND NOT EXISTS (SELECT 1 FROM posts p JOIN runs r ON r.run = p.run WHERE p.spki = c.spki AND p.tenant = c.tenant
		AND p.state = 'open' AND p.begun_at > ? AND r.outcome IS NULL)
	ORDER BY c.next_at, c.collected_at, c.spki LIMIT 1`

func (t *txn) claim(ctx context.Context, r station.RelayClaim) (c station.QueuedRequest, err error) {
	s, err := t.stmt(ctx, queueDue) //nolint:sqlclosecheck // kept for the connection's life
	if err != nil {
		return c, err
	}
	before := int64(0)
	if !r.Before.IsZero() {
		before = r.Before.UnixMicro()
	}
	c, err = scanQueued(s.QueryRowContext(ctx, r.Tenant, micros(r.Now), before, micros(r.Now), micros(r.Now.Add(-runAsking))).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, station.ErrNotFound
	}
	if err != nil {
		return c, err
	}
	if err := t.lostAnswers(ctx, c.Run, c.SPKI, r.Now); err != nil {
		return c, err
	}
	n, err := t.exec(ctx, `UPDATE collected SET state = 'posted', tries = tries + 1, claim = ?, claimed_by = ?, claimed_until = ?,
		updated_at = ? WHERE tenant = ? AND spki = ? AND (state = 'waiting' OR (state = 'posted' AND claimed_until <= ?))`,
		r.ID, r.By, micros(r.Until), micros(r.Now), r.Tenant, c.SPKI, micros(r.Now))
	if err != nil {
		return c, err
	}
	if n == 0 {
		return c, fmt.Errorf("%w: another relay was faster", ErrConflict)
	}
	c.State, c.ClaimBy, c.Until, c.Updated = station.QueuePosted, r.By, r.Until, r.Now
	c.Tries++
	return c, nil
}

// lostAnswers closes posts of a relay whose answer will not come any more: they stay listed as possibly issued.
func (t *txn) lostAnswers(ctx context.Context, run string, spki []byte, at time.Time) error {
	_, err := t.exec(ctx, `UPDATE posts SET state = 'unknown', ended_at = ? WHERE run = ? AND spki = ? AND state = 'open'`,
		micros(at), run, spki)
	return err
}

// SettleCollected ends a claim. ErrNotFound: the claim does not hold any more.
func (l *Ledger) SettleCollected(ctx context.Context, s station.RelaySettled) error {
	var params string
	err := need(field{"claim", s.Claim}, field{"code", string(s.Code) + "-"})
	if err == nil {
		err = digest("leaf", s.Leaf, s.State != station.QueueIssued)
	}
	if err == nil && s.State != station.QueueWaiting && s.State != station.QueueIssued && s.State != station.QueueParked {
		err = fmt.Errorf("%w: a try does not end %q", ErrInvalid, s.State)
	}
	if err == nil {
		params, err = toJSON(s.Params)
	}
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error {
			var run string
			var spki []byte
			found, err := t.one(ctx, "SELECT run, spki FROM collected WHERE claim = ?", []any{s.Claim}, &run, &spki)
			if err != nil {
				return err
			}
			if !found {
				return station.ErrNotFound
			}
			if err := t.lostAnswers(ctx, run, spki, s.At); err != nil {
				return err
			}
			_, err = t.exec(ctx, `UPDATE collected SET state = ?, next_at = ?, code = ?, params = ?, leaf = coalesce(?, leaf),
				not_after = coalesce(?, not_after), claim = '', claimed_by = '', claimed_until = NULL, updated_at = ? WHERE claim = ?`,
				string(s.State), micros(s.NextAt), free(string(s.Code)), params, blob(s.Leaf), micros(s.NotAfter), micros(s.At), s.Claim)
			return err
		})
	}
	return l.wrap(err, "settle claim", s.Claim)
}

// QueueCounts is how many requests of the tenant are in each state, and when the next one is due; zero: none waits.
func (l *Ledger) QueueCounts(ctx context.Context, tenant string) (map[station.QueueState]int, time.Time, error) {
	type group struct {
		state station.QueueState
		n     int
		due   time.Time
	}
	rows, err := query(ctx, l, func(scan func(...any) error) (g group, err error) {
		var due sql.NullInt64
		err = scan(&g.state, &g.n, &due)
		g.due = fromMicros(due)
		return g, err
	}, `SELECT state, count(*), min(CASE state WHEN 'waiting' THEN next_at WHEN 'posted' THEN claimed_until END)
		FROM collected WHERE tenant = ? GROUP BY state`, tenant)
	if err != nil {
		return nil, time.Time{}, l.wrap(err, "count collected requests of", tenant)
	}
	counts, due := map[station.QueueState]int{}, time.Time{}
	for _, g := range rows {
		counts[g.state] = g.n
		if !g.due.IsZero() && (due.IsZero() || g.due.Before(due)) {
			due = g.due
		}
	}
	return counts, due, nil
}

// QueueFilter chooses collected requests. Zero fields choose all.
type QueueFilter struct {
	Tenant   string
	DeviceID string // without regard to case
	States   []station.QueueState
	Limit    int // rows; 0: PageMax
}

// Queue lists collected requests, oldest first.
func (l *Ledger) Queue(ctx context.Context, f QueueFilter) ([]station.QueuedRequest, error) {
	var w where
	w.text("c.tenant", f.Tenant)
	w.text("c.device_id_fold", fold(f.DeviceID))
	if len(f.States) > 0 {
		args := make([]any, len(f.States))
		for i, s := range f.States {
			args[i] = string(s)
		}
		w.add("c.state IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	if f.Limit <= 0 {
		f.Limit = PageMax
	}
	rows, err := query(ctx, l, scanQueued, "SELECT "+queueColumns+" FROM collected c"+w.String()+
		" ORDER BY c.collected_at, c.spki LIMIT ?", append(w.args, page(f.Limit))...)
	return rows, l.wrap(err, "list collected requests", "")
}

// RetryCollected lets a parked request, or one whose certificate is over, wait again. station.ErrNotFound: the device has
// no such request.
func (l *Ledger) RetryCollected(ctx context.Context, tenant, deviceID string, at time.Time) error {
	return l.changeCollected(ctx, "retry", tenant, deviceID, `UPDATE collected SET state = 'waiting', tries = 0, next_at = ?,
		reason = '', updated_at = ? WHERE tenant = ? AND device_id_fold = ? AND (state IN ('parked', 'waiting')
		OR (state = 'issued' AND not_after <= ?))`, micros(at), micros(at), tenant, fold(deviceID), micros(at))
}

// DropCollected gives a request up, unless it was installed or a relay has it in hand. station.ErrNotFound: the device has no
// such request.
func (l *Ledger) DropCollected(ctx context.Context, tenant, deviceID, reason string, at time.Time) error {
	if strings.TrimSpace(reason) == "" {
		return l.wrap(fmt.Errorf("%w: no reason", ErrInvalid), "drop request of device", deviceID)
	}
	return l.changeCollected(ctx, "drop", tenant, deviceID, `UPDATE collected SET state = 'dropped', reason = ?,
		updated_at = ? WHERE tenant = ? AND device_id_fold = ? AND state IN ('parked', 'waiting', 'issued')`,
		free(reason), micros(at), tenant, fold(deviceID))
}

func (l *Ledger) changeCollected(ctx context.Context, doing, tenant, deviceID, q string, args ...any) error {
	err := need(field{"tenant", tenant}, field{"device id", deviceID})
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error {
			n, err := t.exec(ctx, q, args...)
			if err == nil && n == 0 {
				err = station.ErrNotFound
			}
			return err
		})
	}
	return l.wrap(err, doing+" request of device", deviceID)
}

// ErrRelayRuns says that another process of the station relays from the ledger.
var ErrRelayRuns = errors.New("another relay works on this ledger")

// RelayAlone makes this process the only one of the station that relays from the ledger, until release, and lets what an
// earlier one of the station left in hand wait again, of which it says how many there were: whether a certificate was issued
// nobody knows, and the posts stay listed so. lock is a file of the station's; the system takes the lock back from a process
// that was killed. Without one, claims end by their time alone, as those of other stations do.
func (l *Ledger) RelayAlone(ctx context.Context, tenant, stationID, lock string, at time.Time) (left int, release func() error, err error) {
	release = func() error { return nil }
	if lock == "" {
		return 0, release, nil
	}
	f, err := os.OpenFile(lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return 0, release, l.wrap(openTrouble("make lock file", err), "relay", "")
	}
	got, err := tryLockFile(f)
	if err == nil && !got {
		err = ErrRelayRuns
	}
	if err == nil {
		left, err = l.takeBack(ctx, tenant, stationID, at)
	}
	if err != nil {
		return 0, release, l.wrap(errors.Join(err, f.Close()), "relay", "")
	}
	return left, f.Close, nil
}

func (l *Ledger) takeBack(ctx context.Context, tenant, stationID string, at time.Time) (left int, err error) {
	err = l.write.do(ctx, func(ctx context.Context, t *txn) error {
		_, err := t.exec(ctx, `UPDATE posts SET state = 'unknown', ended_at = ? WHERE state = 'open' AND EXISTS
			(SELECT 1 FROM collected c WHERE c.run = posts.run AND c.spki = posts.spki AND c.tenant = ? AND c.state = 'posted'
			AND c.claimed_by = ?)`, micros(at), tenant, stationID)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE collected SET state = 'waiting', next_at = ?, claim = '', claimed_by = '', claimed_until = NULL,
			updated_at = ? WHERE tenant = ? AND state = 'posted' AND claimed_by = ?`, micros(at), micros(at), tenant, stationID)
		left = int(n)
		return err
	})
	return left, err
}

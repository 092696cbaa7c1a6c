package ledger

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"provstation/assets"
)

// shape is what a schema consists of: each table and index ("table runs") with a digest of how it is made. The number of a
// schema alone does not say that: early migrations were edited after ledgers had been written with them, and whoever can
// write the database can change its tables.
type shape map[string]string

// shapeOf reads the shape of the database. It asks for the schema alone, no rows.
func shapeOf(ctx context.Context, db *sql.DB, d dialect) (shape, error) {
	rows, err := db.QueryContext(ctx, d.shape())
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	defer func() { _ = rows.Close() }()
	made := make(map[string][]string)
	for rows.Next() {
		var object, how string
		if err := rows.Scan(&object, &how); err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		made[object] = append(made[object], strings.Fields(how)...)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	s := make(shape, len(made))
	for object, words := range made {
		sum := sha256.Sum256([]byte(strings.Join(words, " ")))
		s[object] = hex.EncodeToString(sum[:8])
	}
	return s, nil
}

// shape: SQLite keeps the statements themselves. The words count, not the white space between them.
func (sqliteDialect) shape() string {
	return `SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND tbl_name <> 'goose_db_version' ORDER BY 1`
}

// shape is put together of what every server tells alike: names, types, columns. How a server prints an expression, or
// names a constraint, is its version's.
func (*postgresDialect) shape() string {
	return `WITH tables AS (SELECT c.oid, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
		WHERE s.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname <> 'goose_db_version'),
	indexes AS (SELECT x.*, c.relname, m.amname FROM pg_catalog.pg_index x JOIN tables t ON t.oid = x.indrelid
		JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid JOIN pg_catalog.pg_am m ON m.oid = c.relam
		WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u')))
	SELECT object, how FROM (
		SELECT 'table ' || t.relname AS object, 1 AS part, a.attnum::bigint AS n, concat_ws(' ', a.attname,
			format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'required' END, o.collname,
			CASE WHEN a.atthasdef THEN 'default' END) AS how
		FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_catalog.pg_collation o ON o.oid = a.attcollation
	UNION ALL
		SELECT 'table ' || t.relname, 2, 0, concat_ws(' ', k.contype::text, (SELECT string_agg(a.attname, ','
			ORDER BY CASE WHEN k.contype <> 'c' THEN u.place END, a.attname COLLATE "C")
			FROM unnest(k.conkey) WITH ORDINALITY u (num, place)
			JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num), f.relname)
		FROM tables t JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('c', 'f', 'p', 'u')
		LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
	UNION ALL
		SELECT 'index ' || x.relname, 3, a.attnum, concat_ws(' ', a.attname, x.amname, CASE WHEN x.indisunique THEN 'unique' END,
			CASE WHEN x.indpred IS NOT NULL THEN 'partial' END)
		FROM indexes x JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indexrelid
	) AS parts ORDER BY object, part, n, how COLLATE "C"`
}

// shapes reads what the schema of each number consists of, written down in shapes.txt beside the migrations: a line for
// each table or index that a migration makes, changes or (with a dash for the digest) drops.
func shapes(database string) (map[int64]shape, error) {
	text, err := fs.ReadFile(assets.Migrations, "migrations/"+database+"/shapes.txt")
	if err != nil {
		return nil, fmt.Errorf("read shapes: %w", err)
	}
	return parseShapes(string(text))
}

func parseShapes(text string) (map[int64]shape, error) {
	out := make(map[int64]shape)
	now, last := shape{}, int64(0)
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		n, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil || len(words) != 4 || n < last {
			return nil, fmt.Errorf("read shapes: line %q", lines.Text())
		}
		if n > last {
			now, last = maps.Clone(now), n
			out[n] = now
		}
		if object := words[1] + " " + words[2]; words[3] == "-" {
			delete(now, object)
		} else {
			now[object] = words[3]
		}
	}
	return out, lines.Err()
}

// differences are the objects that are missing in have, or made in another way, in their order. What the ledger does not
// know is its owner's: an index of his own, or what SQLite's ANALYZE leaves.
func (want shape) differences(have shape) (list []string) {
	for _, object := range slices.Sorted(maps.Keys(want)) {
		if have[object] != want[object] {
			list = append(list, object)
		}
	}
	return list
}

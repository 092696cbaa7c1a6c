package scan

import (
	"strconv"
	"strings"
)

// elementTable lists the GS1 application identifiers: GS1 General Specifications figure 3.2-1, in the notation of its
// column of formats. A star marks what section 7.8.5 predefines the length of: those need no FNC1 behind them. "n" in an
// identifier stands for any digit. N digits, X character set 82, Y character set 39, Z character set 64; [..] may be
// left out; s ends in a check digit (7.9), d is a date YYMMDD whose day may be 00.
const elementTable = `
00 * N18s
01 * N14s
02 * N14s
03 * N14s
10 X..20
11 * N6d
12 * N6d
13 * N6d
15 * N6d
16 * N6d
17 * N6d
20 * N2
21 X..20
22 X..20
235 X..28
240 X..30
241 X..30
242 N..6
243 X..20
250 X..30
251 X..30
253 N13s [X..17]
254 X..20
255 N13s [N..12]
30 N..8
31nn * N6
32nn * N6
33nn * N6
34nn * N6
35nn * N6
36nn * N6
37 N..8
390n N..15
391n N3 N..15
392n N..15
393n N3 N..15
394n N4
395n N6
400 X..30
401 X..30
402 N17s
403 X..30
410 * N13s
411 * N13s
412 * N13s
413 * N13s
414 * N13s
415 * N13s
416 * N13s
417 * N13s
420 X..20
421 N3 X..9
422 N3
423 N..15
424 N3
425 N..15
426 N3
427 X..3
4300 X..35
4301 X..35
4302 X..70
4303 X..70
4304 X..70
4305 X..70
4306 X..70
4307 X2
4308 X..30
4309 N20
4310 X..35
4311 X..35
4312 X..70
4313 X..70
4314 X..70
4315 X..70
4316 X..70
4317 X2
4318 X..20
4319 X..30
4320 X..35
4321 N1
4322 N1
4323 N1
4324 N10
4325 N10
4326 N6d
433n N6 [X1]
7001 N13
7002 X..30
7003 N10
7004 N..4
7005 X..12
7006 N6d
7007 N6d [N6d]
7008 X..3
7009 X..10
7010 X..2
7011 N6d [N4]
7020 X..20
7021 X..20
7022 X..20
7023 X..30
703n N3 X..27
7040 N1 X3
7041 X..4
71n X..20
723n X2 X..28
7240 X..20
7241 N2
7242 X..25
8001 N14
8002 X..20
8003 N14s [X..16]
8004 X..30
8005 N6
8006 N14s N4
8007 X..34
8008 N8 [N..4]
8009 X..50
8010 Y..30
8011 N..12
8012 X..20
8013 X..25
8017 N18s
8018 N18s
8019 N..10
8020 X..25
8026 N14s N4
8030 Z..90
8110 X..70
8111 N4
8112 X..70
8200 X..70
90 X..30
91 X..90
92 X..90
93 X..90
94 X..90
95 X..90
96 X..90
97 X..90
98 X..90
99 X..90
`

// part is one component of an element's data.
type part struct {
	set      byte // N X Y Z
	min, max int
	check    byte // 's' check digit, 'd' date, 0 none
}

// rule is the format of one application identifier.
type rule struct {
	predefined bool // no FNC1 needed behind it
	parts      []part
}

// length is the most characters the data has; that of a predefined length has exactly as many.
func (r rule) length() (n int) {
	for _, p := range r.parts {
		n += p.max
	}
	return n
}

// elements finds the rule of an application identifier.
type elements map[string]rule

func newElements() elements {
	e := elements{}
	for line := range strings.Lines(elementTable) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var r rule
		for _, spec := range f[1:] {
			if spec == "*" {
				r.predefined = true
				continue
			}
			r.parts = append(r.parts, parsePart(spec))
		}
		e[f[0]] = r
	}
	return e
}

func parsePart(spec string) part {
	inner := strings.Trim(spec, "[]")
	p := part{set: inner[0]}
	size := inner[1:]
	if c := size[len(size)-1]; c == 's' || c == 'd' {
		p.check, size = c, size[:len(size)-1]
	}
	most, variable := strings.CutPrefix(size, "..")
	p.max, _ = strconv.Atoi(most) // the table is tested
	p.min = p.max
	if variable {
		p.min = 1
	}
	if inner != spec {
		p.min = 0
	}
	return p
}

// lookup finds the identifier that s begins with. No identifier begins with another one.
func (e elements) lookup(s string) (ai string, r rule, ok bool) {
	for n := 2; n <= 4 && n <= len(s); n++ {
		ai = s[:n]
		if !allDigits(ai) {
			break
		}
		for _, name := range []string{ai, ai[:n-1] + "n", ai[:max(0, n-2)] + "nn"} {
			if r, ok = e[name]; ok {
				return ai, r, true
			}
		}
	}
	return "", rule{}, false
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

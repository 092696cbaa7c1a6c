package screen

import (
	"crypto/x509"
	"strings"
	"time"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// maxLinks bounds a chain that is drawn: deeper ones are no chains of this world.
const maxLinks = 8

// link is one certificate of a chain.
type link struct {
	name     string
	notAfter time.Time // zero: not known
}

// tree draws a chain, given leaf first, from the root down: each certificate below the one that issued it, with the
// time it is still good for. A chain ends with its first end: an issuer that ends before the leaf is marked.
func tree(l widget.Look, chain []link, now time.Time, w int) []string {
	if len(chain) == 0 {
		return nil
	}
	chain = chain[:min(len(chain), maxLinks)]
	m := marksOf(l.Signs)
	lines := make([]string, 0, len(chain)+1)
	early := false
	for depth := range chain {
		c := chain[len(chain)-1-depth]
		head := ""
		if depth > 0 {
			head = strings.Repeat(" ", 3*(depth-1)) + m.tail + " "
		}
		name := l.Styles.Text
		if depth == len(chain)-1 {
			name = l.Styles.Strong
		}
		left, style := "", l.Styles.Muted
		if !c.notAfter.IsZero() {
			left = l.Left(c.notAfter, now)
			sign := ""
			switch {
			case !c.notAfter.After(now):
				sign, style = l.Signs.Failed+" ", l.Styles.Bad
			case !chain[0].notAfter.IsZero() && c.notAfter.Before(chain[0].notAfter):
				sign, style, early = l.Signs.Warned+" ", l.Styles.Warn, true
			case depth == len(chain)-1:
				style = l.Styles.Good
			}
			left = sign + left
		}
		room := w
		if left != "" {
			room = max(8, w-2-len([]rune(left)))
		}
		lines = append(lines, l.Ends(l.Cut(l.Styles.Rule.Render(head)+name.Render(c.name), room), style.Render(left), w))
	}
	if early {
		lines = append(lines, bullet(l, l.Signs.Warned, l.Styles.Warn, l.Text("tree.early"), w)...)
	}
	return lines
}

// factChain is the chain that a run's facts tell of. Subjects come leaf first, their ends beside them.
func factChain(facts map[string]string) []link {
	subjects := facts[station.FactChain]
	if subjects == "" {
		return nil
	}
	const between = " <- "
	ends := strings.Split(facts[station.FactChainNotAfter], between)
	if len(ends) == 1 && ends[0] == "" {
		ends[0] = facts[station.FactNotAfter]
	}
	var chain []link
	for i, name := range strings.Split(subjects, between) {
		if i == maxLinks {
			break
		}
		c := link{name: strings.TrimPrefix(name, "CN=")}
		if i < len(ends) {
			if at, err := time.Parse(time.RFC3339, ends[i]); err == nil {
				c.notAfter = at
			}
		}
		chain = append(chain, c)
	}
	return chain
}

// chainLinks is the chain of a certificate on file, read from its DER; what cannot be read is left out.
func chainLinks(c *station.CertRecord) []link {
	chain := []link{{name: certName(c.Subject), notAfter: c.NotAfter}}
	for _, der := range c.Chain[:min(len(c.Chain), maxLinks-1)] {
		const most = 16 << 10
		if len(der) > most {
			continue
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		name := cert.Subject.CommonName
		if name == "" {
			name = cert.Subject.String()
		}
		chain = append(chain, link{name: board.Clean(name, 256), notAfter: cert.NotAfter})
	}
	if len(chain) == 1 && c.Issuer != "" {
		chain = append(chain, link{name: certName(c.Issuer)})
	}
	return chain
}

func certName(subject string) string { return strings.TrimPrefix(board.Clean(subject, 256), "CN=") }

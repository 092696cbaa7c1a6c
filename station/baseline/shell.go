package baseline

import (
	"context"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxTyped is the longest line of a terminal in canonical mode without its end: N_TTY_BUF_SIZE is 4096, termios(3).
const maxTyped = maxLine - 1

// shell is the model of a box: a terminal that echoes, in canonical mode, and a shell without line editing, as dash and the
// smaller ones are (bash prints more), that knows here-documents and the commands of an enrollment. Characters that edit a line or send signals are echoed as ^X (ECHOCTL) and taken as
// they are: nobody who types from a script sends them, and noise must not be forgiven.
type shell struct {
	ctx    context.Context
	s      *stream
	disk   *disk
	w      Work
	line   []byte
	out    []byte
	doc    *document // the here-document that is being typed
	status int       // of the last command
}

type document struct {
	script  string // the line it belongs to
	end     string
	content []byte
}

func heredocDevice(ctx context.Context, s *stream, d *disk, w Work) error {
	sh := &shell{ctx: ctx, s: s, disk: d, w: w}
	if err := s.allow(0); err != nil {
		return err
	}
	for {
		if err := s.more(); err != nil {
			return err
		}
		for _, b := range s.buf {
			if err := sh.key(b); err != nil {
				return err
			}
		}
		s.buf = s.buf[:0]
		if err := sh.flush(); err != nil {
			return err
		}
	}
}

// key is one character from the keyboard. Its echo goes out with what else has arrived, or before a command is carried out.
func (sh *shell) key(b byte) error {
	switch {
	case b == '\r' || b == '\n':
		sh.out = append(sh.out, '\r', '\n')
		line := string(sh.line)
		sh.line = sh.line[:0]
		return sh.entered(line)
	case len(sh.line) >= maxTyped:
		sh.out = append(sh.out, '\a') // IMAXBEL
		return nil
	case b < 0x20 && b != '\t' || b == 0x7f:
		sh.out = append(sh.out, '^', b^0x40)
	default:
		sh.out = append(sh.out, b)
	}
	sh.line = append(sh.line, b)
	return nil
}

func (sh *shell) flush() error {
	out := sh.out
	sh.out = sh.out[:0]
	if len(out) == 0 {
		return nil
	}
	return sh.s.send(out)
}

// entered takes a line that was ended, and asks for the next.
func (sh *shell) entered(line string) error {
	if sh.doc != nil {
		if line != sh.doc.end {
			if len(sh.doc.content)+len(line) >= maxFile {
				return fmt.Errorf("here-document of more than %d bytes: %w", maxFile, ErrTooLong)
			}
			sh.doc.content = append(append(sh.doc.content, line...), '\n')
			sh.out = append(sh.out, promptMore...)
			return nil
		}
		doc := sh.doc
		sh.doc = nil
		return sh.script(doc.script, doc.content)
	}
	if _, end, found := strings.Cut(line, "<<"); found {
		end, _, _ = strings.Cut(strings.TrimLeft(end, " "), " ")
		sh.doc = &document{script: line, end: strings.Trim(end, "'")}
		sh.out = append(sh.out, promptMore...)
		return nil
	}
	return sh.script(line, nil)
}

// script carries a line out: commands joined by && and ;, and prints the prompt.
func (sh *shell) script(line string, doc []byte) error {
	if err := sh.flush(); err != nil {
		return err
	}
	commands, err := parseLine(line)
	if err != nil {
		sh.print("sh: syntax error: %v\n", err)
		sh.status = 2
	}
	for _, c := range commands {
		if c.after == "&&" && sh.status != 0 {
			continue
		}
		status, err := sh.command(c, doc)
		if err != nil {
			return err
		}
		sh.status = status
	}
	sh.out = append(sh.out, promptFirst...)
	return nil
}

func (sh *shell) print(format string, args ...any) {
	sh.out = append(sh.out, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n")...)
}

// command carries one out. Its error is for what ends the model; what a command reports is its status.
func (sh *shell) command(c shellCommand, doc []byte) (status int, err error) {
	args := c.words[1:]
	var text string
	switch c.words[0] {
	case "openssl":
		text, err = sh.openssl(args)
	case "cat":
		text, err = sh.cat(args, c.here, doc)
	case "sha256sum":
		text, err = sh.sha256sum(args)
	case "chmod":
		err = sh.chmod(args)
	case "mosquitto_pub":
		text, err = sh.publish(args)
	case "touch":
		for _, name := range args {
			err = errors.Join(err, sh.disk.touch(name))
		}
	case "sync":
		err = sh.disk.sync()
	case "echo":
		text = strings.ReplaceAll(strings.Join(args, " "), "$?", strconv.Itoa(sh.status)) + "\n"
	default:
		sh.print("sh: %s: not found\n", c.words[0])
		return 127, nil
	}
	if sh.ctx.Err() != nil {
		return 0, context.Cause(sh.ctx)
	}
	if err == nil && c.into != "" {
		err = sh.disk.write(c.into, []byte(text))
		text = ""
	}
	sh.print("%s", text)
	if err != nil {
		sh.print("%s: %v\n", c.words[0], err)
		return 1, nil
	}
	return 0, nil
}

// openssl makes the key (which is Work's, and is not written) and the CSR.
func (sh *shell) openssl(args []string) (string, error) {
	switch {
	case len(args) > 0 && args[0] == "ecparam":
		return "", nil
	case len(args) > 0 && args[0] == "req" && option(args, "-subj") == "/CN="+sh.w.DeviceID:
		der, err := sh.w.MakeKey(sh.ctx)
		if err != nil {
			return "", err
		}
		return "", sh.disk.write(option(args, "-out"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	return "", errors.New("this box has no use for these arguments")
}

// cat prints a file or the here-document.
func (sh *shell) cat(names []string, here bool, doc []byte) (string, error) {
	if here {
		return string(doc), nil
	}
	var all []byte
	for _, name := range names {
		content, err := sh.disk.read(name)
		if err != nil {
			return "", plain(name, err)
		}
		all = append(all, content...)
	}
	return string(all), nil
}

func (sh *shell) sha256sum(names []string) (string, error) {
	var text strings.Builder
	for _, name := range names {
		sum, err := sh.disk.sum(name)
		if err != nil {
			return text.String(), plain(name, err)
		}
		text.WriteString(hex.EncodeToString(sum[:]) + "  " + name + "\n")
	}
	return text.String(), nil
}

func (sh *shell) chmod(args []string) error {
	if len(args) != 2 {
		return errors.New("missing operand")
	}
	mode, err := strconv.ParseUint(args[0], 8, 9)
	if err != nil {
		return fmt.Errorf("invalid mode: %s", args[0])
	}
	return plain(args[1], sh.disk.chmod(args[1], os.FileMode(mode)))
}

// publish says what mosquitto_pub 2.0 says with -d. Where the broker is and who the device is, is the same for real ones:
// anything else is not reached, or refused.
func (sh *shell) publish(args []string) (string, error) {
	if option(args, "-h") != brokerHost || option(args, "-p") != brokerPort || option(args, "-i") != sh.w.DeviceID {
		return "", errors.New("error: Connection refused")
	}
	if err := sh.w.Prove(sh.ctx); err != nil {
		return "", err
	}
	topic, text, c := option(args, "-t"), option(args, "-m"), "Client "+sh.w.DeviceID+" "
	return c + "sending CONNECT\n" + c + "received CONNACK (0)\n" +
		c + fmt.Sprintf("sending PUBLISH (d0, q1, r0, m1, '%s', ... (%d bytes))\n", topic, len(text)) +
		c + "received PUBACK (Mid: 1, RC:0)\n" + c + "sending DISCONNECT\n", nil
}

// option is the word after an option.
func option(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// plain is an error of a file as a command prints it, without the path of the model's directory.
func plain(name string, err error) error {
	var cause *os.PathError
	if errors.As(err, &cause) {
		return fmt.Errorf("%s: %w", name, cause.Err)
	}
	return err
}

// shellCommand is one simple command.
type shellCommand struct {
	words []string // at least one
	after string   // what joins it to the one before: "", ";" or "&&"
	into  string   // > file
	here  bool     // has a here-document
}

// parseLine reads commands of words, of which single quotes may hide what else would end them, joined by && and ;. It knows
// no other operators, variables or quotes: this is all that an enrollment types.
func parseLine(line string) ([]shellCommand, error) {
	var list []shellCommand
	now := shellCommand{}
	var redirect string
	done := func(next string) error {
		if len(now.words) == 0 && (next != "" || now.after == "&&") {
			return errors.New("a command is missing")
		}
		if redirect != "" {
			return fmt.Errorf("nothing after %s", redirect)
		}
		if len(now.words) > 0 {
			list = append(list, now)
		}
		now = shellCommand{after: next}
		return nil
	}
	for rest := strings.TrimLeft(line, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		if op := operator(rest); op != "" {
			rest = rest[len(op):]
			switch {
			case op == ";" || op == "&&":
				if err := done(op); err != nil {
					return nil, err
				}
			case redirect != "":
				return nil, fmt.Errorf("%s after %s", op, redirect)
			default:
				redirect = op
			}
			continue
		}
		word, after, err := shellWord(rest)
		if err != nil {
			return nil, err
		}
		switch rest = after; redirect {
		case ">":
			now.into = word
		case "<<":
			now.here = true
		default:
			now.words = append(now.words, word)
		}
		redirect = ""
	}
	return list, done("")
}

func operator(s string) string {
	for _, op := range []string{"&&", ";", "<<", ">"} {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

// shellWord takes one word off the front.
func shellWord(s string) (word, rest string, err error) {
	for s != "" && !strings.ContainsRune(" \t", rune(s[0])) && operator(s) == "" {
		if s[0] != '\'' {
			word, s = word+s[:1], s[1:]
			continue
		}
		quoted, after, closed := strings.Cut(s[1:], "'")
		if !closed {
			return "", "", errors.New("unterminated quoted string")
		}
		word, s = word+quoted, after
	}
	return word, s, nil
}

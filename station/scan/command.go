package scan

// Command words, see [Commands].
const (
	CommandRetry  = "retry"  // the selected slot again
	CommandAbort  = "abort"  // the selected slot's run
	CommandNext   = "next"   // select the next slot that needs a person
	CommandPrint  = "print"  // the selected device's label once more
	CommandPause  = "pause"  // the batch
	CommandResume = "resume" // the batch
)

// Command is a code that people scan instead of pressing a key.
type Command struct {
	Name string // what [Label.Command] holds
	Code string // what the printed code says, with the default prefix
}

// Commands lists the command codes in the order of a printed sheet. Capitals, digits and colon fit QR's alphanumeric mode,
// which keeps the codes small. With another [Rules.CommandPrefix] use [Reader.Commands].
func Commands() []Command { return commands(DefaultCommandPrefix) }

// Commands lists the command codes with the prefix of the reader's rules.
func (r *Reader) Commands() []Command { return commands(r.command) }

func commands(prefix string) []Command {
	return []Command{
		{CommandRetry, prefix + "RETRY"},
		{CommandAbort, prefix + "ABORT"},
		{CommandNext, prefix + "NEXT"},
		{CommandPrint, prefix + "PRINT"},
		{CommandPause, prefix + "PAUSE"},
		{CommandResume, prefix + "RESUME"},
	}
}

package session

// Status is the state of a code. Clients see [Redeemed] as [Confirmed], see [Status.Code].
type Status int8

// The numbers are stored. Those up to Canceled are also part of the API contract.
const (
	Waiting   Status = 0  // not scanned yet
	Scanned   Status = 1  // scanned, the user has not decided yet
	Confirmed Status = 2  // the user agreed; the ticket may be exchanged
	Canceled  Status = 3  // the user declined
	Redeemed  Status = 4  // the ticket was exchanged
	Expired   Status = -1 // expired, or withdrawn by the browser
)

// Over reports whether the code has ended: its status cannot change any more.
func (s Status) Over() bool {
	return s == Canceled || s == Redeemed || s == Expired
}

// Code returns the number that clients see: 0, 1, 2, 3 or -1.
func (s Status) Code() int {
	if s == Redeemed {
		return int(Confirmed)
	}
	return int(s)
}

// Event returns the status name that clients see.
func (s Status) Event() string {
	switch s {
	case Waiting:
		return "waiting"
	case Scanned:
		return "scanned"
	case Confirmed, Redeemed:
		return "confirmed"
	case Canceled:
		return "canceled"
	default:
		return "expired"
	}
}

package main

// channels returns the channels of asyncapi.yaml with their messages and close codes.
func (d documents) channels(file string) ([]channel, error) {
	var all []channel
	for _, p := range d[file].at("channels").pairs() {
		c := channel{ID: p.key, Title: p.value.at("title").text(), Address: p.value.at("address").text(), Text: markdown(p.value.at("description").text())}
		for _, m := range p.value.at("messages").pairs() {
			message, err := d.message(file, m)
			if err != nil {
				return nil, err
			}
			c.Messages = append(c.Messages, message)
		}
		for _, close := range p.value.at("x-close-codes").list() {
			c.Closes = append(c.Closes, row{Code: close.at("code").text(), When: markdown(close.at("when").text()), Message: markdown(close.at("do").text())})
		}
		all = append(all, c)
	}
	return all, nil
}

func (d documents) message(file string, p pair) (object, error) {
	target, _, err := d.follow(file, p.value)
	if err != nil {
		return object{}, err
	}
	payload, name, err := d.follow(file, target.at("payload"))
	if err != nil {
		return object{}, err
	}
	m := object{Name: p.key, Schema: name, Text: markdown(target.at("summary").text() + "\n\n" + target.at("description").text())}
	if name == "" {
		m.Fields, err = d.fields(file, payload, "", 0)
	}
	return m, err
}

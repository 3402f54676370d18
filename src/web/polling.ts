// How often the page looks again: views go on, people come, and a picture may be changed elsewhere.

export const polling = { pollInterval: 10_000, skipPollAttempt: () => document.hidden };

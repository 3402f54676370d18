// Polling options for queries: view counts rise, users join, and pictures change on other devices.

export const polling = { pollInterval: 10_000, skipPollAttempt: () => document.hidden };

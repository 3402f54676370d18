// Introduces the service to visitors who are not signed in.

const faces = [
  { initials: "G", colour: "#0e7490" },
  { initials: "李", colour: "#be123c" },
  { initials: "AL", colour: "#4d7c0f" },
  { initials: "🦊", colour: "#334155" },
  { initials: "م", colour: "#7e22ce" },
];

export function Welcome() {
  return (
    <section className="pitch">
      <p className="faces" aria-hidden>
        {faces.map(({ initials, colour }) => (
          <span key={initials} className="profile-picture" style={{ backgroundColor: colour }}>
            {initials}
          </span>
        ))}
      </p>
      <h1>Put a face to your messages</h1>
      <p className="lead">
        Choose a photo, move it until it fits, and everybody you chat with knows that it is you.
      </p>
      <ul className="facts">
        <li>
          <strong>Quick.</strong> Drop, paste or choose a file; large photos are made to fit.
        </li>
        <li>
          <strong>Private.</strong> The place where a photo was taken never leaves your hands.
        </li>
        <li>
          <strong>Yours.</strong> Change it, delete it, and take either back.
        </li>
      </ul>
    </section>
  );
}

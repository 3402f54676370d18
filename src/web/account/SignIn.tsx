// The form for signing up and signing in.
import { useId, useState, type FormEvent } from "react";

import { useMutation } from "@apollo/client/react";

import { toServiceError, type ServiceError } from "../api/errors.ts";
import { LoginDocument, RegisterDocument } from "../api/operations.generated.ts";
import { ErrorNote } from "../ErrorNote.tsx";
import { session } from "../session.ts";

export function SignIn() {
  const [isNew, setIsNew] = useState(true);
  const [error, setError] = useState<ServiceError | null>(null);
  const [register, { loading: isRegistering }] = useMutation(RegisterDocument);
  const [login, { loading: isSigningIn }] = useMutation(LoginDocument);
  const isBusy = isRegistering || isSigningIn;

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const read = (name: string) => String(form.get(name) ?? "");
    const password = read("password");
    setError(null);
    try {
      const token = isNew
        ? (
            await register({
              variables: { input: { username: read("username"), email: read("email"), password } },
            })
          ).data?.register.token
        : (await login({ variables: { input: { login: read("login"), password } } })).data?.login.token;
      if (token) session.begin(token);
    } catch (cause) {
      const failure = toServiceError(cause);
      const isRefused = !isNew && failure.code === "UNAUTHENTICATED";
      setError(
        isRefused
          ? { code: "BAD_USER_INPUT", message: "That name and password do not fit together." }
          : failure,
      );
    }
  }

  function switchForm() {
    setIsNew(!isNew);
    setError(null);
  }

  return (
    <form className="card sign-in" onSubmit={submit} aria-labelledby="sign-in-title">
      <h2 id="sign-in-title">{isNew ? "Create your account" : "Welcome back"}</h2>
      {isNew ? (
        <>
          <Field
            label="Name"
            name="username"
            autoComplete="username"
            minLength={2}
            maxLength={64}
            hint="As others see it."
          />
          <Field label="E-mail" name="email" type="email" autoComplete="email" hint="Nobody else sees it." />
        </>
      ) : (
        <Field label="Name or e-mail" name="login" autoComplete="username" />
      )}
      <Field
        key={String(isNew)}
        label="Password"
        name="password"
        type="password"
        autoComplete={isNew ? "new-password" : "current-password"}
        {...(isNew && { minLength: 8, maxLength: 72, hint: "At least 8 characters." })}
      />
      {error && <ErrorNote error={error} />}
      <button type="submit" disabled={isBusy}>
        {isNew ? "Sign up" : "Sign in"}
      </button>
      <p className="switch">
        {isNew ? "You have an account already?" : "You are new here?"}{" "}
        <button type="button" className="link" onClick={switchForm}>
          {isNew ? "Sign in" : "Sign up"}
        </button>
      </p>
    </form>
  );
}

interface FieldProps extends React.InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string;
}

function Field({ label, hint, ...input }: FieldProps) {
  const id = useId();
  const hintId = hint ? `${id}-hint` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} required aria-describedby={hintId} dir="auto" {...input} />
      {hint && (
        <p id={hintId} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

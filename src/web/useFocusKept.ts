// Moves the focus to a given element when the focused element is removed or disabled. Otherwise, users of a keyboard
// or a screen reader would have to start at the top of the page again.
import { useEffect, useRef, type RefObject } from "react";

/**
 * @param cause a value that changes when the focus may be lost; null while there is no such cause
 * @returns the ref for the element, which must be focusable
 */
export function useFocusKept<Element extends HTMLElement>(cause: unknown): RefObject<Element | null> {
  const element = useRef<Element>(null);
  useEffect(() => {
    const active = document.activeElement;
    const isLost = !active || active === document.body || active.matches("dialog, :disabled");
    if (cause !== null && isLost) element.current?.focus();
  }, [cause]);
  return element;
}

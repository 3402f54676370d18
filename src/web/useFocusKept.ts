// Gives the focus to what it should go on from when the element that had it is gone or cannot be used any more: people who
// use a keyboard or a screen reader would otherwise begin at the top of the page again.
import { useEffect, useRef, type RefObject } from "react";

/** @param cause what may have taken the focus away @returns for the element, which has to have a `tabIndex` */
export function useFocusKept<Element extends HTMLElement>(cause: unknown): RefObject<Element | null> {
  const element = useRef<Element>(null);
  useEffect(() => {
    const active = document.activeElement;
    const isLost = !active || active === document.body || active.matches("dialog, :disabled");
    if (cause !== null && isLost) element.current?.focus();
  }, [cause]);
  return element;
}

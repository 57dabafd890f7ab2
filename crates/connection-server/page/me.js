/**
 * Who the visitor is.
 */
import { createContext, useContext } from './vendor/preact-htm.js';

/** The answer of `/me`, or `null` before it arrived. */
export const Me = createContext(null);

/** Returns the answer of `/me`, or `null` before it arrived. */
export const useMe = () => useContext(Me);

/** Returns `true` if the visitor's role permits changes. */
export function useCanManage() {
  const me = useContext(Me);
  return me?.role === 'manage' || me?.role === 'admin';
}

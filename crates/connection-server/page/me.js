/**
 * Who the visitor is.
 */
import { createContext, useContext } from './vendor/preact-htm.js';

/** The answer of `/me`, or `null` before it arrived. */
export const Me = createContext(null);

/** Returns the answer of `/me`, or `null` before it arrived. */
export const useMe = () => useContext(Me);

/**
 * Returns `true` if the host has a part of the API besides connections and kinds.
 * @param {string} area such as `profiles`
 */
export function useHas(area) {
  return useContext(Me)?.areas?.includes(area) ?? false;
}

/** Returns `true` if the visitor's role permits changes. */
export function useCanManage() {
  const me = useContext(Me);
  return me?.role === 'manage' || me?.role === 'admin';
}

/**
 * Typed requests: each returns the content of the answer, or throws a `ConnectionsError`.
 */
import createClient, { type Client, type FetchResponse, type MaybeOptionalInit } from 'openapi-fetch';
import type { Server } from './request.js';
import type { paths } from './schema.js';

type Media = 'application/json';
/** The methods of the API. */
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
/** The paths that have a method. */
export type PathWith<M extends Method> = {
  [Path in keyof paths]: paths[Path] extends Record<M, object> ? Path : never;
}[keyof paths];
type Operation<Path extends keyof paths, M extends Method> = paths[Path][M] & Record<string, unknown>;

/** The content of the answer to a request. */
export type Answered<Path extends keyof paths, M extends Method> = Extract<
  FetchResponse<Operation<Path, M>, undefined, Media>,
  { data: unknown }
>['data'];

/** The parameters of a request, which can be left out if none of them is required. */
export type Parameters<Path extends keyof paths, M extends Method> =
  undefined extends MaybeOptionalInit<paths[Path], M>
    ? [init?: MaybeOptionalInit<paths[Path], M>]
    : [init: MaybeOptionalInit<paths[Path], M>];

/** The requests with one method. */
export type RequestWith<M extends Method> = <Path extends PathWith<M>>(
  path: Path,
  ...init: Parameters<Path, M>
) => Promise<Answered<Path, M>>;

/** The paths of lists. */
export type ListPath = {
  [Path in PathWith<'get'>]: Answered<Path, 'get'> extends { items: unknown[] } ? Path : never;
}[PathWith<'get'>];

/** An element of a list. */
export type Item<Path extends ListPath> = Answered<Path, 'get'> extends { items: (infer Element)[] } ? Element : never;

/** The requests of the API. */
export interface Requests {
  /** The client of `openapi-fetch`, for the headers of an answer, such as `ETag`. Its requests throw, too. */
  readonly api: Client<paths, Media>;
  /** Reads something. */
  readonly get: RequestWith<'get'>;
  /** Makes something, or does something. */
  readonly post: RequestWith<'post'>;
  /** Replaces something. */
  readonly put: RequestWith<'put'>;
  /** Changes something. */
  readonly patch: RequestWith<'patch'>;
  /** Removes something. */
  readonly delete: RequestWith<'delete'>;
  /** Reads a list to its end, page by page. */
  each<Path extends ListPath>(path: Path, ...init: Parameters<Path, 'get'>): AsyncGenerator<Item<Path>, void>;
}

/** Returns the requests to a server. */
export function requestsTo({ baseUrl, headers, query, send }: Server): Requests {
  const api = createClient<paths, Media>({
    baseUrl,
    headers,
    fetch: send,
    querySerializer: query,
    redirect: 'error',
  });
  const get: RequestWith<'get'> = async (path, ...init) => (await api.GET(path, ...(init as [never]))).data as never;
  return {
    api,
    get,
    post: async (path, ...init) => (await api.POST(path, ...(init as [never]))).data as never,
    put: async (path, ...init) => (await api.PUT(path, ...(init as [never]))).data as never,
    patch: async (path, ...init) => (await api.PATCH(path, ...(init as [never]))).data as never,
    delete: async (path, ...init) => (await api.DELETE(path, ...(init as [never]))).data as never,
    async *each(path, ...[init]) {
      type Page = { items: Item<typeof path>[]; next?: string | null };
      const { params, ...rest } = (init ?? {}) as { params?: { query?: Record<string, unknown> } };
      let after: Record<string, unknown> = {};
      for (;;) {
        const asked = { ...rest, params: { ...params, query: { ...params?.query, ...after } } };
        const page = (await get(path, ...([asked] as never))) as Page;
        yield* page.items;
        if (!page.next) return;
        after = { after: page.next };
      }
    },
  };
}

import { userInfo } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';

describe('cacheFolder', () => {
  const own = join(userInfo().homedir, '.cache', 'hookline');

  it('follows HOOKLINE_CACHE, XDG_CACHE_HOME and HOME', () => {
    expect(cacheFolder({ HOOKLINE_CACHE: '/a', XDG_CACHE_HOME: '/b', HOME: '/c' })).toBe('/a');
    expect(cacheFolder({ XDG_CACHE_HOME: '/b', HOME: '/c' })).toBe('/b/hookline');
    expect(cacheFolder({ HOME: '/c' })).toBe('/c/.cache/hookline');
  });

  it.each([
    { HOME: '' },
    {},
    { HOME: '.' },
    { HOME: 'here' },
    { HOME: '', XDG_CACHE_HOME: 'here' },
    { XDG_CACHE_HOME: '' },
  ])('is never below the current folder: %j', (env) => expect(cacheFolder(env)).toBe(own));
});

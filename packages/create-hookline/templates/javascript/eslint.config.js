import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';

export default defineConfig(globalIgnores(['types/', 'output/']), js.configs.recommended, {
  languageOptions: { globals: { console: 'readonly', process: 'readonly' } },
});

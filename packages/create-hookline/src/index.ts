export { CreateError } from './create-error.ts';
export { createProject, type CreatedProject, type ProjectOptions } from './create-project.ts';
export { KINDS, type Kind, LANGUAGES, type Language } from './project-name.ts';
